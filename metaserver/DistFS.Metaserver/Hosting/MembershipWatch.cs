using DistFS.Metaserver.Consensus;
using DistFS.Metaserver.Services;
using DistFS.Metaserver.Storage;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using Microsoft.Extensions.Logging;

namespace DistFS.Metaserver.Hosting;

/// <summary>
/// What a member does about its own membership: who hears no leader asks the others whether it was removed, since
/// nobody sends anything to who is no member; and who listens elsewhere than the configuration says tells it.
/// </summary>
internal sealed partial class MembershipWatch : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    private readonly Identity _identity;
    private readonly RaftDriver _driver;
    private readonly RpcAddress _address;
    private readonly ulong _run;
    private readonly IReadOnlyList<RpcAddress> _join;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    /// <summary>Starts to look.</summary>
    /// <param name="identity">Of this member.</param>
    /// <param name="driver">Of this member.</param>
    /// <param name="address">Where it listens.</param>
    /// <param name="run">Drawn at this start: tells it from a copy of its folder that runs too.</param>
    /// <param name="join">Others, for who knows no configuration yet.</param>
    /// <param name="logger">Where it tells what happens.</param>
    /// <param name="onFailed">Called when the member must not go on.</param>
    public MembershipWatch(
        Identity identity,
        RaftDriver driver,
        RpcAddress address,
        ulong run,
        IReadOnlyList<RpcAddress> join,
        ILogger logger,
        Action<DistFsException> onFailed)
    {
        (_identity, _driver, _address, _join, _logger) = (identity, driver, address, join, logger);
        _run = run;
        _loop = Task.Run(() => RunAsync(onFailed));
    }

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
            using var timer = new PeriodicTimer(Interval);
            do
            {
                if (_driver.Configuration.Find(_identity.Member)?.Address != $"{_address}")
                {
                    await AnnounceAsync().ConfigureAwait(false);
                }

                if (_driver.Leader.Value == 0)
                {
                    await AskAsync().ConfigureAwait(false);
                }
            }
            while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopped.
        }
        catch (Exception error)
        {
            onFailed(error as DistFsException ?? new DistFsException(
                ErrorCatalog.MemberStopped,
                $"Metaserver {_identity.Member} stopped itself: {error.GetType().Name}: {error.Message}",
                error));
        }
    }

    private List<RpcAddress> Others()
    {
        var others = _join.ToList();
        foreach (var member in _driver.Configuration.Members)
        {
            if (member.Id != _identity.Member && RpcAddress.TryParse(member.Address, out var address))
            {
                others.Add(address);
            }
        }

        return [.. others.Where(address => address != _address).Distinct()];
    }

    /// <summary>Tells the leader, perhaps itself, where this member listens. What is refused ends it.</summary>
    private async Task AnnounceAsync()
    {
        var others = Others();
        var client = new AdminClient(_driver.IsLeader || others.Count == 0 ? [_address] : others);
        await using (client.ConfigureAwait(false))
        {
            try
            {
                await client.JoinAsync(
                    new JoinRequest
                    {
                        Version = AdminService.Version,
                        ClusterHigh = (ulong)(_identity.Cluster.Value >> 64),
                        ClusterLow = (ulong)_identity.Cluster.Value,
                        Member = _identity.Member.Value,
                        Store = _identity.Store.Value,
                        Address = $"{_address}",
                        Run = _run,
                    },
                    Timeout,
                    _stop.Token).ConfigureAwait(false);
            }
            catch (RpcException e) when (AdminClient.IsPassing(e.Code))
            {
                // In the next round.
                LogNotAnnounced(_logger, _identity.Member, _address, e.Message);
            }
        }
    }

    private async Task AskAsync()
    {
        var others = Others();
        if (others.Count == 0)
        {
            return;
        }

        var client = new AdminClient(others);
        await using (client.ConfigureAwait(false))
        {
            foreach (var address in others)
            {
                try
                {
                    var reply = await client.AskAsync(address, _identity.Member, Timeout, _stop.Token)
                        .ConfigureAwait(false);
                    var cluster = new ClusterId(new UInt128(reply.ClusterHigh, reply.ClusterLow));
                    if (reply.IsRemoved && cluster == _identity.Cluster)
                    {
                        throw new DistFsException(
                            ErrorCatalog.MemberRemoved,
                            $"Metaserver {_identity.Member} was removed from cluster {cluster}, says {address}.");
                    }
                }
                catch (RpcException)
                {
                    // The next one may know.
                }
            }
        }
    }

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Metaserver {Self} is not yet known at {Address}: {Reason} It goes on telling.")]
    private static partial void LogNotAnnounced(ILogger logger, MemberId self, RpcAddress address, string reason);
}
