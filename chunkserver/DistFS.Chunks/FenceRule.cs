using DistFS.Primitives;

namespace DistFS.Chunks;

/// <summary>What a chunk becomes when a version of it begins.</summary>
internal static class FenceRule
{
    /// <summary>Judges a fence.</summary>
    /// <param name="fence">The fence.</param>
    /// <param name="found">The chunk as it is here; null when it is not.</param>
    /// <param name="info">The chunk as it becomes; only its blocks beyond the length are still to go.</param>
    public static FenceOutcome Apply(in VersionFence fence, ChunkInfo? found, out ChunkInfo info)
    {
        if (found is not { } now)
        {
            // Without a row somebody stale could make it in an older version.
            var isLost = fence.Length > 0;
            info = new ChunkInfo(
                fence.Chunk, fence.Version, 0, default, isLost ? ChunkState.Lost : ChunkState.Serving,
                isLost ? FsStatus.NotFound : FsStatus.Ok, false);
            return isLost ? FenceOutcome.Lost : FenceOutcome.Begun;
        }

        info = now;
        if (fence.Version.Value < now.Version.Value)
        {
            return FenceOutcome.Later;
        }

        if (fence.Counts && now.State == ChunkState.Serving)
        {
            info = now with
            {
                Version = fence.Version,
                Length = fence.Length,
                Copy = fence.Copy.Value != 0 ? fence.Copy : now.Copy,
                IsSealed = now.IsSealed && fence.Version == now.Version,
                IsUnclean = false,
            };
            return FenceOutcome.Begun;
        }

        if (fence.Version == now.Version)
        {
            // Told again. What was written in the version since is not cut.
            return now.State == ChunkState.Lost ? FenceOutcome.Lost : FenceOutcome.Begun;
        }

        info = now with
        {
            Version = fence.Version,
            Length = fence.KeepsBeyond ? now.Length : Math.Min(now.Length, fence.Length),
            IsSealed = now.IsSealed && fence.IsSealed,

            // Of nothing, nothing is missing.
            IsUnclean = now.IsUnclean && (fence.Length > 0 || fence.KeepsBeyond),
        };
        if (now.State == ChunkState.Serving && !now.IsUnclean && now.Length < fence.Length)
        {
            // Zeros in place of what was committed would be wrong bytes. One that is unclean is not served anyhow.
            info = info with { State = ChunkState.Lost, LostStatus = FsStatus.NotFound };
        }

        return info.State == ChunkState.Lost ? FenceOutcome.Lost : FenceOutcome.Begun;
    }
}
