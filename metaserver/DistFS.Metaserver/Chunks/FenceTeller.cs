using DistFS.Metadata.Chunks;
using DistFS.Metadata.Reads;
using DistFS.Metaserver.State;
using DistFS.Primitives;
using DistFS.Protocol;
using ServerState = DistFS.Metadata.Placement.ServerState;

namespace DistFS.Metaserver.Chunks;

/// <summary>
/// Sees to it that every server of a chunk knows of a version, or does not serve, or is none any more
/// (docs/design/chunkservers.md, "Fences before answering").
/// </summary>
/// <param name="state">Where the chunks' rows are.</param>
/// <param name="proposals">How a silent server is taken out.</param>
/// <param name="sender">How servers are told.</param>
/// <param name="servers">The servers, while this member leads; null: it does not, or does not know them yet.</param>
/// <param name="clock">Whose time limits it.</param>
internal sealed class FenceTeller(
    IMetadataRows state, IProposals proposals, IFenceSender sender, Func<LiveServers?> servers, TimeProvider clock)
{
    private const int PageMax = ChunkLayout.StepMax;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    /// <summary>
    /// So often a chunk may go on to yet another version while a silent server is taken out of it; then whoever wants
    /// to know asks again.
    /// </summary>
    private const int AttemptsMax = 4;

    /// <summary>Tells all servers of these fences at the same time, and takes out who stays silent.</summary>
    /// <param name="fences">The versions, with their servers.</param>
    /// <param name="timeout">How long a server may be silent.</param>
    /// <param name="cancellation">Nobody wants to know any more.</param>
    /// <returns>What is left to be known, or done.</returns>
    public async Task<FencesTold> TellAsync(
        IEnumerable<ChunkFence> fences, TimeSpan timeout, CancellationToken cancellation)
    {
        var ofServers = new Dictionary<ServerId, List<ChunkFence>>();
        foreach (var fence in fences)
        {
            foreach (var server in fence.Servers)
            {
                if (!ofServers.TryGetValue(new ServerId(server), out var ofServer))
                {
                    ofServers.Add(new ServerId(server), ofServer = []);
                }

                ofServer.Add(fence);
            }
        }

        using var time = new CancellationTokenSource(timeout, clock);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation, time.Token);
        var tellings = new List<Task<List<ulong>?>>();
        foreach (var (server, ofServer) in ofServers)
        {
            tellings.Add(TellAsync(server, ofServer, limit.Token));
        }

        var told = await Task.WhenAll(tellings).ConfigureAwait(false);
        var silent = new List<ChangeReplicasRequest.Types.Change>();
        var unsettled = new HashSet<(ChunkId, ServerId)>();
        var i = 0;
        foreach (var (server, ofServer) in ofServers)
        {
            if (told[i++] is { } chunks)
            {
                unsettled.UnionWith(chunks.Select(chunk => (new ChunkId(chunk), server)));
            }
            else
            {
                silent.AddRange(ofServer.Select(fence => new ChangeReplicasRequest.Types.Change
                {
                    Chunk = fence.Chunk,
                    Version = fence.Version,
                    Server = server.Value,
                }));
            }
        }

        return new FencesTold(await TakeOutAsync(silent, cancellation).ConfigureAwait(false), unsettled);
    }

    /// <summary>
    /// Sealed ones that a server has not come to rest in yet, if it knows, or does not serve. Null: it may not know.
    /// </summary>
    private async Task<List<ulong>?> TellAsync(ServerId server, List<ChunkFence> fences, CancellationToken limit)
    {
        while (await LiveAsync(limit).ConfigureAwait(false) is { } live)
        {
            // Who is down registers again, and is told with its inventory before it serves. Only the log can say so:
            // another leader takes one that is silent to be alive.
            if (live.RowOf(server) is not { } row || row.State == Protocol.ServerState.Down)
            {
                return [];
            }

            if (live.StateOf(server) is ServerState.Dead or ServerState.Away)
            {
                return null;
            }

            var unsettled = new List<ulong>();
            for (var from = 0; ; from += PageMax)
            {
                if (from >= fences.Count)
                {
                    return unsettled;
                }

                var request = new FenceRequest { Server = server.Value, Incarnation = row.Incarnation };
                request.Fences.Add(fences.GetRange(from, Math.Min(PageMax, fences.Count - from)));
                request.Members.Add(MembersOf(request.Fences, live));
                if (await sender.TrySendAsync(row.Address, request, limit).ConfigureAwait(false) is not { } reply)
                {
                    break;
                }

                unsettled.AddRange(reply.Unsettled);
            }

            if (limit.IsCancellationRequested)
            {
                return null;
            }
        }

        return null;
    }

    /// <summary>Where the servers of some fences are, as far as that is known.</summary>
    internal static IEnumerable<ChainHop> MembersOf(IEnumerable<ChunkFence> fences, LiveServers live) => fences
        .SelectMany(static fence => fence.Servers).Distinct()
        .Select(server => live.RowOf(new ServerId(server)) is { } row
            ? new ChainHop { Server = server, Address = row.Address }
            : null)
        .OfType<ChainHop>();

    /// <summary>The servers: a leader that has just begun knows them soon. Null: not within the limit.</summary>
    private async Task<LiveServers?> LiveAsync(CancellationToken limit)
    {
        if (servers() is { } known)
        {
            return known;
        }

        using var timer = new PeriodicTimer(Pause, clock);
        try
        {
            while (servers() == null)
            {
                await timer.WaitForNextTickAsync(limit).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // Then nobody is told.
        }

        return servers();
    }

    /// <summary>
    /// Takes silent servers out of their chunks. Of a chunk that has gone on meanwhile, because another server was
    /// taken out of it or somebody began a version, it is done in the version that the chunk has now. One that is the
    /// last server of its chunk is not taken out.
    /// </summary>
    private async Task<IReadOnlySet<ChunkId>> TakeOutAsync(
        List<ChangeReplicasRequest.Types.Change> silent, CancellationToken cancellation)
    {
        var left = new HashSet<ChunkId>();
        for (var attempt = 1; silent.Count > 0; attempt++)
        {
            var again = new List<ChangeReplicasRequest.Types.Change>();
            for (var from = 0; from < silent.Count; from += PageMax)
            {
                var page = new ChangeReplicasRequest();
                page.Changes.Add(silent.GetRange(from, Math.Min(PageMax, silent.Count - from)));
                var reply = await proposals
                    .TryAsync(new MetadataCommand { ChangeReplicas = page }, cancellation).ConfigureAwait(false);
                for (var i = 0; i < page.Changes.Count; i++)
                {
                    var (change, status) = (page.Changes[i], (FsStatus?)reply?.ChangeReplicas?.Statuses[i]);
                    if (status is FsStatus.Ok or FsStatus.NotFound)
                    {
                        continue;
                    }

                    if (status != FsStatus.Stale || attempt == AttemptsMax)
                    {
                        left.Add(new ChunkId(change.Chunk));
                    }
                    else if (VersionWith(change) is { } version)
                    {
                        change.Version = version.Value;
                        again.Add(change);
                    }
                }
            }

            silent = again;
        }

        return left;
    }

    /// <summary>The version that a chunk has now; null: it is no more, or the server is none of its.</summary>
    private ChunkVersion? VersionWith(ChangeReplicasRequest.Types.Change change) =>
        state.Read(change, static (store, change) =>
            MetadataView.Open(store)!.Tree.Chunks.TryGet(new ChunkId(change.Chunk), out var row)
                && row.IsOn(new ServerId(change.Server)) ? row.Version : (ChunkVersion?)null);
}

/// <summary>What became of fences.</summary>
/// <param name="Left">Chunks of which a server is left that may not know.</param>
/// <param name="Unsettled">Servers that know, and have not come to rest in a sealed version yet.</param>
internal sealed record FencesTold(IReadOnlySet<ChunkId> Left, IReadOnlySet<(ChunkId Chunk, ServerId Server)> Unsettled);
