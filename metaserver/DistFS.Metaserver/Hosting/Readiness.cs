using DistFS.Metadata.Reads;
using DistFS.Metaserver.Consensus;
using DistFS.Metaserver.State;
using DistFS.Metaserver.Storage;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Raft;
using DistFS.Rpc.Services;
using Microsoft.Extensions.Logging;

namespace DistFS.Metaserver.Hosting;

/// <summary>
/// Tells whether the member is of use: it votes, hears a leader and has applied what it knows to be committed; and
/// while it is not, what it waits for. For health checks, the node service and the log.
/// </summary>
internal sealed partial class Readiness : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    // Numbers that grow are told so often at most.
    private static readonly TimeSpan ToldEvery = TimeSpan.FromSeconds(2);

    private readonly RaftDriver _driver;
    private readonly RaftStore _store;
    private readonly MetadataState _state;
    private readonly NodeService _node;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private bool _isBegun;

    public Readiness(RaftDriver driver, RaftStore store, MetadataState state, NodeService node, ILogger logger)
    {
        (_driver, _store, _state, _node, _logger) = (driver, store, state, node, logger);
        _loop = Task.Run(RunAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(Interval);
        string last = "";
        var toldAt = TimeProvider.System.GetElapsedTime(0);
        try
        {
            do
            {
                var (kind, progress) = Look();
                _node.Tell(kind.Length == 0 ? NodeState.Serving : NodeState.Waiting, progress);
                var now = TimeProvider.System.GetElapsedTime(0);
                if (kind != last || (kind.Length > 0 && now - toldAt > ToldEvery))
                {
                    (last, toldAt) = (kind, now);
                    LogProgress(_logger, _driver.Self, kind.Length == 0 ? "serves" : progress);
                }
            }
            while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopped.
        }
    }

    private (string Kind, string Progress) Look()
    {
        var (applied, committed) = (_driver.Applied.Value, Committed());
        var self = _driver.Configuration.Find(_driver.Self);
        return _driver.Leader.Value == 0
                ? self == null ? Same("waits to be taken in by the leader of its cluster") : Same("waits for a leader")
            : applied < committed ? ("applies", $"applies its log: entry {applied} of {committed}")
            : self?.Role != MemberRole.Voter ? ("catches up", $"catches up with the others: entry {applied}")
            : !IsBegun() ? Same("waits for the first entry of its cluster")
            : Same("");

        static (string Kind, string Progress) Same(string text) => (text, text);
    }

    private bool IsBegun() =>
        _isBegun = _isBegun || _state.Read(0, static (store, _) => MetadataView.Open(store) != null);

    private ulong Committed() => Math.Max(_driver.Committed.Value, _store.HardState.Commit.Value);

    [LoggerMessage(Level = LogLevel.Information, Message = "Metaserver {Self} {Progress}.")]
    private static partial void LogProgress(ILogger logger, MemberId self, string progress);
}
