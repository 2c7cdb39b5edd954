using DistFS.Metaserver.Services;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metaserver.Chunks;

/// <summary>
/// Before a client is answered that a version of a chunk has begun which somebody was writing, every server of the
/// chunk knows of it, or does not serve, or is none any more (docs/design/chunkservers.md, "Fences before answering").
/// </summary>
/// <remarks>
/// Which these are, the reply says, which is kept with the client's session: so a request that is repeated, at whatever
/// leader, waits for the same.
/// </remarks>
internal sealed class FenceStage(FenceTeller teller, TimeSpan timeout) : IMutationStage
{
    /// <inheritdoc/>
    public ValueTask<MetadataReply?> EnterAsync(Mutation mutation) => default;

    /// <inheritdoc/>
    public ValueTask LeaveAsync(Mutation mutation, MetadataReply? reply)
    {
        if (reply?.Mutate == null)
        {
            return default;
        }

        List<ChunkFence>? fences = null;
        foreach (var one in reply.Mutate.Replies)
        {
            if (one.Fences.Count > 0)
            {
                (fences ??= []).AddRange(one.Fences);
                one.Fences.Clear();
            }
        }

        return fences == null ? default : new ValueTask(TellAsync(mutation, reply, fences));
    }

    private async Task TellAsync(Mutation mutation, MetadataReply reply, List<ChunkFence> fences)
    {
        // Not the client's own patience: whoever repeats the request would wait for the same again.
        var limit = mutation.TimeRemaining < timeout && mutation.TimeRemaining > TimeSpan.Zero
            ? mutation.TimeRemaining : timeout;
        var told = await teller.TellAsync(fences, limit, CancellationToken.None).ConfigureAwait(false);
        if (told.Left.Count > 0)
        {
            reply.Mutate = null;
            reply.Status = (int)ErrorCatalog.FencePending.Status;
            reply.Code = ErrorCatalog.FencePending.Number;
        }
    }
}
