using DistFS.Metadata.Chunks;
using DistFS.Metadata.Placement;
using DistFS.Metadata.Placement.Repair;
using DistFS.Metadata.Reads;
using DistFS.Metaserver.State;
using DistFS.Primitives;
using DistFS.Protocol;
using Microsoft.Extensions.Logging;
using ChunkInfo = DistFS.Metadata.Placement.ChunkInfo;

namespace DistFS.Metaserver.Chunks;

/// <summary>
/// Feeds the repair planner with what the state says and what servers report, and does through the log what it wants.
/// One thread, which is <see cref="ChunkDuties"/>'.
/// </summary>
internal sealed partial class RepairRunner : IAsyncDisposable
{
    /// <summary>Rows that are read in one view of the state.</summary>
    private const int SliceMax = 2_048;

    /// <summary>Changes in one command.</summary>
    private const int BatchMax = ChunkLayout.StepMax;

    /// <summary>For so long a round scans and takes changes; the next one goes on.</summary>
    private static readonly TimeSpan RoundTime = TimeSpan.FromMilliseconds(40);

    private readonly IMetadataRows _state;
    private readonly IProposals _proposals;
    private readonly ChunkLead _lead;
    private readonly ChunkFeed _feed;
    private readonly IdleChunks _idle;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly RepairPlanner _planner;
    private readonly List<RepairCommand> _commands = [];
    private readonly List<ChunkId> _changed = [];
    private readonly List<ServerId> _garbage = [];
    private readonly List<(ServerId, int)> _feelings = [];

    /// <summary>Ordered, by id; rows of the state, but for what just ends.</summary>
    private readonly Dictionary<ulong, CopyAssignment> _copies = [];

    /// <summary>What has ended and is not yet told to the log; tried again until it is.</summary>
    private readonly Queue<EndCopiesRequest.Types.End> _ends = new();

    private readonly Queue<ServerId> _scans = new();
    private ChunkId _scanFrom;

    /// <summary>Starts a planner from the state, as of which the feed is open.</summary>
    public RepairRunner(
        IMetadataRows state,
        IProposals proposals,
        ChunkLead lead,
        ChunkFeed feed,
        FenceTeller teller,
        ChunkServerOptions options,
        Ring ring,
        LogIndex began,
        long nowMs,
        TimeProvider clock,
        ILogger logger)
    {
        (_state, _proposals, _lead, _feed, _clock, _logger) = (state, proposals, lead, feed, clock, logger);
        _idle = new IdleChunks(state, proposals, teller, lead.Servers, options, nowMs);
        var underWay = state.Read(0, static (store, _) => MetadataView.Open(store)!.Tree.Copies.All());
        _planner = new RepairPlanner(
            options.Repair, new ServerLoads(ring), new CopyId(began.Value << 20), underWay, nowMs);
        foreach (var copy in underWay)
        {
            _copies.Add(copy.Copy.Value, copy);
            Order(copy);
        }

        lead.Servers.KnowCopies();
    }

    /// <summary>Copies under way.</summary>
    public IReadOnlyDictionary<ulong, CopyAssignment> Copies => _copies;

    /// <summary>How far it is.</summary>
    public RepairStatus Status => _planner.Status;

    /// <summary>What repair may send and receive at a server.</summary>
    public long RateOf(ServerId server) => _planner.RateOf(server);

    /// <summary>Whether repair has work on a chunk.</summary>
    public bool IsBusyWith(ChunkId chunk) => _planner.IsBusyWith(chunk);

    /// <summary>A move of the balancer.</summary>
    public bool TryMove(in ChunkInfo chunk, in Move move) => _planner.TryMove(chunk, move);

    /// <summary>The servers have changed.</summary>
    public void SetRing(Ring ring) => _planner.SetServers(new ServerLoads(ring));

    /// <summary>A round.</summary>
    /// <returns>False: changes were lost, and another planner has to be made.</returns>
    public async Task<bool> RunAsync(long nowMs, CancellationToken cancellation)
    {
        _idle.NowMs = nowMs;
        var until = _clock.GetTimestamp() + (long)(RoundTime.TotalSeconds * _clock.TimestampFrequency);
        if (!TakeChanges(until))
        {
            return false;
        }

        Feel();
        await TakeResultsAsync(cancellation).ConfigureAwait(false);
        await TakeLossesAsync(cancellation).ConfigureAwait(false);
        Scan(until);
        _commands.Clear();
        _planner.Tick(nowMs, _commands);
        await DoAsync(nowMs, cancellation).ConfigureAwait(false);
        await _idle.DecideAsync(cancellation).ConfigureAwait(false);
        await _idle.SealAsync(cancellation).ConfigureAwait(false);
        await _idle.TellAsync().ConfigureAwait(false);
        await EndAsync(cancellation).ConfigureAwait(false);
        return true;
    }

    /// <summary>Ends what goes on beside the rounds.</summary>
    public ValueTask DisposeAsync() => _idle.DisposeAsync();

    private bool TakeChanges(long until)
    {
        do
        {
            _changed.Clear();
            _garbage.Clear();
            if (!_feed.TryTake(SliceMax, _changed, _garbage))
            {
                return false;
            }

            foreach (var server in _garbage)
            {
                _lead.Servers.HasGarbage(server);
            }

            _state.Read(this, static (store, runner) =>
            {
                var chunks = MetadataView.Open(store)!.Tree.Chunks;
                foreach (var id in runner._changed)
                {
                    runner.Look(chunks, id);
                }

                return true;
            });
        }
        while (_changed.Count == SliceMax && _clock.GetTimestamp() < until);
        return true;
    }

    private void Look(ChunkTable chunks, ChunkId id)
    {
        if (chunks.TryGet(id, out var row))
        {
            Offer(id, row);
        }
        else
        {
            _planner.Forget(id);
        }
    }

    private void Offer(ChunkId id, in ChunkRow row)
    {
        _planner.Offer(ChunkInfo.Of(id, row));
        _idle.Watch(id, row);
    }

    private void Feel()
    {
        _feelings.Clear();
        _lead.Servers.Feelings(_feelings);
        foreach (var (server, percent) in _feelings)
        {
            _planner.Feel(server, percent);
        }
    }

    /// <summary>What servers report of copies: of those that were ordered of them, and no others.</summary>
    private async Task TakeResultsAsync(CancellationToken cancellation)
    {
        var done = new EndCopiesRequest();
        while (done.Copies.Count < BatchMax && _lead.Results.TryDequeue(out var report))
        {
            var (server, result) = report;
            if (!_copies.TryGetValue(result.Copy, out var copy) || copy.Target != server
                || copy.Chunk.Value != result.Chunk || copy.Version.Value != result.Version)
            {
                // It was given up before, or never ordered.
                continue;
            }

            if (result.Status == 0)
            {
                // Reported again before it is done: it ends once.
                if (!done.Copies.Any(other => other.Copy == result.Copy))
                {
                    done.Copies.Add(EndOf(copy, isDone: true));
                }
            }
            else
            {
                LogFailed(_logger, copy.Chunk, copy.Source, copy.Target, (FsStatus)result.Status);
                if (result.Status == (int)ErrorCatalog.ChunkDirty.Status)
                {
                    _idle.NotAtRest(copy.Chunk);
                }

                GiveUp(copy);
                _planner.CopyFailed(copy.Copy);
            }
        }

        if (done.Copies.Count == 0)
        {
            return;
        }

        // Not known to be done: the servers are still told these copies, and report them again.
        var reply = await _proposals.TryAsync(new MetadataCommand { EndCopies = done }, cancellation)
            .ConfigureAwait(false);
        for (var i = 0; i < (reply?.Copies?.Statuses.Count ?? 0); i++)
        {
            Ended(done.Copies[i], (FsStatus)reply!.Copies.Statuses[i]);
        }
    }

    private void Ended(EndCopiesRequest.Types.End end, FsStatus status)
    {
        if (!_copies.Remove(end.Copy, out var copy))
        {
            return;
        }

        _lead.Servers.TakeBack(copy.Target, copy.Copy);
        if (status == FsStatus.NotFound || !TryRead(copy.Chunk, out var row))
        {
            _planner.CopyFailed(copy.Copy);
            return;
        }

        var chunk = ChunkInfo.Of(copy.Chunk, row);
        if (status == FsStatus.Ok && row.IsOn(copy.Target))
        {
            _planner.CopyDone(copy.Copy, chunk);
        }
        else
        {
            _planner.CopyFailed(copy.Copy);
            _planner.Offer(chunk);
        }
    }

    /// <summary>
    /// Copies that servers lost: taken out of their chunks, if they were there, and never the last, of which it is
    /// noted that it is lost. A server that is not believed yet, because the chunk has changed since it looked, or is
    /// refused, tells it again.
    /// </summary>
    private async Task TakeLossesAsync(CancellationToken cancellation)
    {
        var changes = new ChangeReplicasRequest();
        var reports = new List<LossReport>();
        while (changes.Changes.Count < BatchMax && _lead.Lost.TryDequeue(out var report))
        {
            var id = new ChunkId(report.Copy.Chunk);
            if (!TryRead(id, out var row) || !row.IsOn(report.Server))
            {
                continue;
            }

            if (report.Copy.Version > row.Version.Value)
            {
                _lead.CountUnknown(1);
            }
            else if (report.IsEvidenceOf(row))
            {
                reports.Add(report);
                changes.Changes.Add(new ChangeReplicasRequest.Types.Change
                {
                    Chunk = id.Value,
                    Version = row.Version.Value,
                    Server = report.Server.Value,
                    Lost = true,
                });
            }
        }

        if (reports.Count == 0)
        {
            return;
        }

        var reply = await _proposals.TryAsync(new MetadataCommand { ChangeReplicas = changes }, cancellation)
            .ConfigureAwait(false);
        for (var i = 0; i < (reply?.ChangeReplicas?.Statuses.Count ?? 0); i++)
        {
            if (reply!.ChangeReplicas.Statuses[i] == 0)
            {
                // The feed tells the planner.
                var (server, copy) = (reports[i].Server, reports[i].Copy);
                LogLost(_logger, server, new ChunkId(copy.Chunk), (FsStatus)copy.Status);
            }
        }
    }

    private void Scan(long until)
    {
        while (_scans.TryPeek(out var server) && _clock.GetTimestamp() < until)
        {
            var next = _state.Read((Runner: this, Server: server), static (store, asked) =>
                asked.Runner.ScanSlice(MetadataView.Open(store)!.Tree.Chunks, asked.Server));
            if (next is { } from)
            {
                _scanFrom = from;
            }
            else
            {
                _scanFrom = default;
                _planner.Scanned(_scans.Dequeue());
            }
        }
    }

    /// <summary>Where the next slice begins; null when there is none.</summary>
    private ChunkId? ScanSlice(ChunkTable chunks, ServerId server)
    {
        if (server.Value == 0)
        {
            var all = chunks.All(_scanFrom, SliceMax);
            foreach (var (id, row) in all)
            {
                Offer(id, row);
            }

            return all.Count < SliceMax ? null : new ChunkId(all[^1].Chunk.Value + 1);
        }

        var own = chunks.Replicas(server, _scanFrom, new ChunkId(ulong.MaxValue), SliceMax);
        foreach (var id in own)
        {
            Look(chunks, id);
        }

        return own.Count < SliceMax ? null : new ChunkId(own[^1].Value + 1);
    }

    private void Order(in CopyAssignment copy)
    {
        var order = new CopyOrder
        {
            Copy = copy.Copy.Value,
            Chunk = copy.Chunk.Value,
            Version = copy.Version.Value,
            Length = (uint)copy.SizeBytes,
            Source = copy.Source.Value,
            Over = TryRead(copy.Chunk, out var row) && row.IsOn(copy.Target),
        };
        if (!_lead.Servers.TryOrder(copy.Target, order))
        {
            LogNoOrder(_logger, copy.Chunk, copy.Target);
        }
    }

    /// <summary>A copy is not made any more: what there is of it is garbage.</summary>
    private void GiveUp(in CopyAssignment copy)
    {
        if (_copies.Remove(copy.Copy.Value))
        {
            _lead.Servers.TakeBack(copy.Target, copy.Copy);
            _ends.Enqueue(EndOf(copy, isDone: false));
        }
    }

    private bool TryRead(ChunkId id, out ChunkRow row)
    {
        var found = _state.Read(id, static (store, id) =>
            MetadataView.Open(store)!.Tree.Chunks.TryGet(id, out var row) ? (ChunkRow?)row : null);
        row = found ?? default;
        return found != null;
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "The copy of {Chunk} from {Source} to {Target} failed: {Status}. It is tried again with other ends.")]
    private static partial void LogFailed(
        ILogger logger, ChunkId chunk, ServerId source, ServerId target, FsStatus status);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Chunk server {Server} lost its copy of {Chunk}: {Status}.")]
    private static partial void LogLost(ILogger logger, ServerId server, ChunkId chunk, FsStatus status);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "A copy of {Chunk} is noted for {Target}, and it or its source is not there: it times out.")]
    private static partial void LogNoOrder(ILogger logger, ChunkId chunk, ServerId target);
}
