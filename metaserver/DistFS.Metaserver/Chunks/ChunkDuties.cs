using DistFS.Metadata.Placement;
using DistFS.Metadata.Reads;
using DistFS.Metaserver.Consensus;
using DistFS.Metaserver.State;
using DistFS.Primitives;
using DistFS.Protocol;
using Microsoft.Extensions.Logging;
using ServerState = DistFS.Protocol.ServerState;

namespace DistFS.Metaserver.Chunks;

/// <summary>
/// What a leader does about chunk servers without being asked: notices who is silent, keeps the ring, repairs and
/// balances (docs/design/chunkservers.md). All it keeps is made anew when this member leads again.
/// </summary>
internal sealed partial class ChunkDuties : IAsyncDisposable
{
    private static readonly TimeSpan ReadTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Rows of servers are read again at least so often, whoever changed them.</summary>
    private const long RowsMs = 1_000;

    private readonly RaftDriver _driver;
    private readonly MetadataState _state;
    private readonly Proposals _proposals;
    private readonly ChunkServerOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly ChunkFeed _feed = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private volatile ChunkLead? _lead;
    private volatile RepairRunner? _repair;
    private BalanceRunner? _balance;
    private LogIndex _began;
    private long _unit;
    private long _rowsMs;

    public ChunkDuties(
        RaftDriver driver,
        MetadataState state,
        Proposals proposals,
        ChunkServerOptions options,
        TimeProvider clock,
        ILogger logger,
        Action<DistFsException> onFailed)
    {
        options.Validate();
        (_driver, _state, _proposals, _options, _clock, _logger) =
            (driver, state, proposals, options, clock, logger);
        state.Chunks = _feed;
        _loop = Task.Run(() => RunAsync(onFailed));
    }

    /// <summary>What is known of chunk servers; null: this member does not lead, or does not know yet.</summary>
    public ChunkLead? Lead => _driver.IsLeader ? _lead : null;

    /// <summary>Milliseconds of a clock that does not go back.</summary>
    public long NowMs => (long)_clock.GetElapsedTime(0).TotalMilliseconds;

    /// <summary>What repair may send and receive at a server, in bytes per second; 0 says nothing.</summary>
    public ulong RateOf(ServerId server) =>
        _lead is { } lead && lead.Rates.TryGetValue(server, out var rate) ? (ulong)rate : 0;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task RunAsync(Action<DistFsException> onFailed)
    {
        try
        {
            using var timer = new PeriodicTimer(_options.Interval, _clock);
            while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
            {
                await LookAroundAsync().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopped.
        }
        catch (Exception error)
        {
            // The state cannot be read, or worse: a leader that repairs nothing must not go on leading.
            onFailed(error as DistFsException ?? new DistFsException(
                ErrorCatalog.MemberStopped,
                $"Metaserver {_driver.Self} stopped itself: {error.GetType().Name}: {error.Message}",
                error));
        }
    }

    private async Task LookAroundAsync()
    {
        if (!_driver.IsLeader)
        {
            Rest();
            return;
        }

        if (_lead == null && !await TryBeginAsync().ConfigureAwait(false))
        {
            return;
        }

        var lead = _lead!;
        var nowMs = NowMs;
        foreach (var (id, incarnation) in lead.Servers.Tick(nowMs))
        {
            LogDead(_logger, id);
            await _proposals.TryAsync(
                new MetadataCommand
                {
                    SetServerState = new SetServerStateRequest
                    {
                        Server = id.Value,
                        Incarnation = incarnation,
                        State = ServerState.Down,
                    },
                },
                _stop.Token).ConfigureAwait(false);
            _rowsMs = 0;
        }

        if (lead.AreRowsOld || nowMs - _rowsMs >= RowsMs)
        {
            lead.AreRowsOld = false;
            ReadRows(lead, nowMs);
        }

        if (lead.Servers.TakeRing(_unit, nowMs) is { } ring)
        {
            UseRing(lead, ring, nowMs);
        }

        if (_repair is { } repair)
        {
            if (await repair.RunAsync(nowMs, _stop.Token).ConfigureAwait(false))
            {
                lead.Status = repair.Status;
            }
            else
            {
                // Changes were lost: everything is looked at again, with another planner.
                LogLost(_logger, _driver.Self);
                Rest();
            }
        }
    }

    private void Rest()
    {
        if (_lead != null)
        {
            _feed.Close();
            (_lead, _repair, _balance) = (null, null, null);
        }
    }

    /// <summary>Once a read is granted, the state has all that leaders before this one did.</summary>
    private async Task<bool> TryBeginAsync()
    {
        var outcome = await _driver.ReadAsync(ReadTimeout, _stop.Token).ConfigureAwait(false);
        if (outcome.Status != CallStatus.Done)
        {
            return false;
        }

        _feed.Open();
        _began = _state.AppliedIndex;
        if (!_state.Read(0, static (store, _) => MetadataView.Open(store) != null))
        {
            // Before the cluster's first entry.
            return false;
        }

        var nowMs = NowMs;
        var lead = new ChunkLead(new LiveServers(_options, nowMs));
        ReadRows(lead, nowMs);
        _lead = lead;
        return true;
    }

    private void ReadRows(ChunkLead lead, long nowMs)
    {
        var (rows, unit) = _state.Read(0, static (store, _) =>
        {
            var servers = MetadataView.Open(store)!.Tree.Servers;
            return (servers.All, servers.RingUnit);
        });
        lead.Servers.SetRows(rows, nowMs);
        (_unit, _rowsMs) = (unit, nowMs);
    }

    private void UseRing(ChunkLead lead, Ring ring, long nowMs)
    {
        if (_repair is not { } repair)
        {
            _repair = repair = new RepairRunner(
                _state, _proposals, lead, _feed, _options, ring, _began, nowMs, _logger);
            _balance = new BalanceRunner(_state, repair, _options, ring, nowMs);
        }
        else
        {
            repair.SetRing(ring);
            _balance!.Run(ring, nowMs);
        }

        foreach (var server in ring.Servers)
        {
            lead.Rates[server.Id] = repair.RateOf(server.Id);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Chunk server {Server} is silent for too long: it is dead.")]
    private static partial void LogDead(ILogger logger, ServerId server);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Metaserver {Self} lost track of what changed; all chunks are looked at again.")]
    private static partial void LogLost(ILogger logger, MemberId self);
}
