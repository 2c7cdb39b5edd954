using DistFS.Metadata.Leases;
using DistFS.Metaserver.Consensus;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;
using Microsoft.Extensions.Logging;

namespace DistFS.Metaserver.Leases;

/// <content>What it does as time goes on.</content>
internal sealed partial class LeaseKeeper
{
    private async Task RunAsync(Action<DistFsException> onFailed)
    {
        try
        {
            using var timer = new PeriodicTimer(Interval, _clock);
            try
            {
                while (await timer.WaitForNextTickAsync(_stopping).ConfigureAwait(false))
                {
                    await LookAroundAsync().ConfigureAwait(false);
                }
            }
            finally
            {
                await Task.WhenAll(_ends.UnderWay.Append(_deciding)).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // Stopped.
        }
        catch (Exception error)
        {
            // A leader that does not keep its leases must not go on.
            onFailed(error as DistFsException ?? new DistFsException(
                ErrorCatalog.MemberStopped,
                $"Metaserver {_driver.Self} stopped itself: {error.GetType().Name}: {error.Message}",
                error));
        }
    }

    /// <summary>Proposes, and does not wait for it: the table's time goes on.</summary>
    private async Task LookAroundAsync()
    {
        if (!await BeginAsync(Timeout, _stopping).ConfigureAwait(false))
        {
            return;
        }

        ulong epoch;
        ClientId[] toEnd;
        lock (_gate)
        {
            _table.Tick(NowMs);
            Dispatch();
            epoch = _table.Epoch;
            toEnd = [.. _toEnd];
            _toEnd.Clear();
        }

        LookForEnded();
        await _ends.LookAsync(toEnd).ConfigureAwait(false);
        if (_deciding.IsCompleted)
        {
            await _deciding.ConfigureAwait(false);
            _deciding = DecideAsync(epoch);
        }
    }

    /// <summary>In which epoch a session has to end, as of now; 0: it does not.</summary>
    private ulong Judge(ClientId session)
    {
        lock (_gate)
        {
            return IsCurrent && _table.HasToEnd(session, NowMs) ? _table.Epoch : 0;
        }
    }

    private async Task EndAsync(ClientId session, ulong epoch)
    {
        LogEnds(_logger, _driver.Self, session);
        if (await ProposeAsync(
            new MetadataCommand { Client = session.Value, EndSession = new EndSessionRequest() }, epoch)
            .ConfigureAwait(false) != null)
        {
            // Ended now, or before.
            Ended(session);
        }
    }

    /// <summary>What is proposed now comes after everything in doubt: once it is applied, that is decided.</summary>
    private async Task DecideAsync(ulong epoch)
    {
        List<LeaseTicket> doubts;
        lock (_gate)
        {
            (doubts, _doubts) = (_doubts, []);
        }

        // Of nobody: it changes nothing.
        var isDecided = doubts.Count > 0
            && await ProposeAsync(new MetadataCommand { KeepAlive = new KeepAliveRequest() }, epoch)
                .ConfigureAwait(false) != null;
        lock (_gate)
        {
            foreach (var ticket in doubts)
            {
                if (isDecided)
                {
                    _table.Leave(ticket);
                }
                else
                {
                    _doubts.Add(ticket);
                }
            }

            Dispatch();
        }
    }

    private async Task<MetadataReply?> ProposeAsync(MetadataCommand command, ulong epoch)
    {
        var now = FileTime.Of(_clock.GetUtcNow());
        command.LeaderTime = new Time { Seconds = now.Seconds, Nanoseconds = now.Nanoseconds };
        var outcome = await _driver.ProposeAsync(command.ToByteArray(), Timeout, epoch, _stopping)
            .ConfigureAwait(false);
        return outcome.Status == CallStatus.Done ? MetadataReply.Parser.ParseFrom(outcome.Reply.Span) : null;
    }

    /// <summary>Sessions may end without us: by themselves, or since nothing was heard of them.</summary>
    private void LookForEnded()
    {
        var silent = new List<ClientId>();
        lock (_gate)
        {
            if (NowMs - _lookedMs < SilentMs)
            {
                return;
            }

            _lookedMs = NowMs;
            _table.SilentSessions(SilentMs, NowMs, silent);
        }

        if (silent.Count > 0)
        {
            foreach (var session in _state.Read(silent, static (store, silent) =>
                silent.FindAll(session => LeaseHolders.Find(store, session, out _) == null)))
            {
                Ended(session);
            }
        }
    }

    private void Ended(ClientId session)
    {
        lock (_gate)
        {
            _sessionsEnded++;
            _table.SessionEnded(session, NowMs);
            Dispatch();
            if (_waits.Remove(session.Value, out var wait))
            {
                wait.Wake();
            }
        }
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Metaserver {Self} ends session {Session}: it has leases that others wait for, and is silent.")]
    private static partial void LogEnds(ILogger logger, MemberId self, ClientId session);
}
