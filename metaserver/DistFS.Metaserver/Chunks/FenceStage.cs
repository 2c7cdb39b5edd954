using DistFS.Metaserver.Services;
using DistFS.Primitives;
using DistFS.Protocol;
using ServerState = DistFS.Metadata.Placement.ServerState;

namespace DistFS.Metaserver.Chunks;

/// <summary>
/// Before a client is answered that a version of a chunk has begun which somebody was writing, every server of the
/// chunk knows of it, or does not serve, or is none any more (docs/design/chunkservers.md, "Fences before answering").
/// </summary>
/// <remarks>
/// Which these are, the reply says, which is kept with the client's session: so a request that is repeated, at whatever
/// leader, waits for the same.
/// </remarks>
internal sealed class FenceStage(
    ChunkDuties duties, Proposals proposals, IFenceSender sender, TimeSpan timeout) : IMutationStage
{
    private const int PageMax = 1_024;

    /// <inheritdoc/>
    public ValueTask<MetadataReply?> EnterAsync(Mutation mutation) => default;

    /// <inheritdoc/>
    public ValueTask LeaveAsync(Mutation mutation, MetadataReply? reply)
    {
        if (reply?.Mutate == null)
        {
            return default;
        }

        Dictionary<ServerId, List<ChunkFence>>? fences = null;
        foreach (var one in reply.Mutate.Replies)
        {
            foreach (var fence in one.Fences)
            {
                foreach (var server in fence.Servers)
                {
                    fences ??= [];
                    if (!fences.TryGetValue(new ServerId(server), out var ofServer))
                    {
                        fences.Add(new ServerId(server), ofServer = []);
                    }

                    ofServer.Add(fence);
                }
            }

            one.Fences.Clear();
        }

        return fences == null ? default : new ValueTask(TellAsync(mutation, reply, fences));
    }

    private async Task TellAsync(
        Mutation mutation, MetadataReply reply, Dictionary<ServerId, List<ChunkFence>> fences)
    {
        // Not the client's own patience: whoever repeats the request would wait for the same again.
        using var limit = new CancellationTokenSource(
            mutation.TimeRemaining < timeout && mutation.TimeRemaining > TimeSpan.Zero
                ? mutation.TimeRemaining : timeout);
        var tellings = new List<Task<bool>>();
        foreach (var (server, ofServer) in fences)
        {
            tellings.Add(TellAsync(server, ofServer, limit.Token));
        }

        var isTold = await Task.WhenAll(tellings).ConfigureAwait(false);
        var silent = new ChangeReplicasRequest();
        var i = 0;
        foreach (var (server, ofServer) in fences)
        {
            if (!isTold[i++])
            {
                foreach (var fence in ofServer)
                {
                    silent.Changes.Add(new ChangeReplicasRequest.Types.Change
                    {
                        Chunk = fence.Chunk,
                        Version = fence.Version,
                        Server = server.Value,
                    });
                }
            }
        }

        if (silent.Changes.Count > 0 && !await AreTakenOutAsync(silent).ConfigureAwait(false))
        {
            reply.Mutate = null;
            reply.Status = (int)ErrorCatalog.FencePending.Status;
            reply.Code = ErrorCatalog.FencePending.Number;
        }
    }

    /// <summary>Whether a server knows, or does not serve.</summary>
    private async Task<bool> TellAsync(ServerId server, List<ChunkFence> fences, CancellationToken limit)
    {
        while (duties.Lead?.Servers is { } servers)
        {
            // Who is down registers again, and is told with its inventory before it serves. Only the log can say so:
            // another leader takes one that is silent to be alive.
            if (servers.RowOf(server) is not { } row || row.State == Protocol.ServerState.Down)
            {
                return true;
            }

            if (servers.StateOf(server) is ServerState.Dead or ServerState.Away)
            {
                return false;
            }

            for (var from = 0; ; from += PageMax)
            {
                if (from >= fences.Count)
                {
                    return true;
                }

                var request = new FenceRequest { Server = server.Value, Incarnation = row.Incarnation };
                request.Fences.Add(fences.GetRange(from, Math.Min(PageMax, fences.Count - from)));
                if (!await sender.TrySendAsync(row.Address, request, limit).ConfigureAwait(false))
                {
                    break;
                }
            }

            if (limit.IsCancellationRequested)
            {
                return false;
            }
        }

        return false;
    }

    /// <summary>
    /// Whether none of these is a server of its chunk any more. One that is its last is not taken out, and a chunk that
    /// has yet another version is looked at when the request is repeated.
    /// </summary>
    private async Task<bool> AreTakenOutAsync(ChangeReplicasRequest silent)
    {
        for (var from = 0; from < silent.Changes.Count; from += PageMax)
        {
            var page = new ChangeReplicasRequest();
            page.Changes.Add(silent.Changes.Skip(from).Take(PageMax));
            var reply = await proposals.TryAsync(new MetadataCommand { ChangeReplicas = page }, CancellationToken.None)
                .ConfigureAwait(false);
            if (reply?.ChangeReplicas == null
                || reply.ChangeReplicas.Statuses.Any(status => status is not (0 or (int)FsStatus.NotFound)))
            {
                return false;
            }
        }

        return true;
    }
}
