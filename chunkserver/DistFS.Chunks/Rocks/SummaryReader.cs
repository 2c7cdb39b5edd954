using DistFS.Native.RocksDb;
using DistFS.Primitives;

namespace DistFS.Chunks;

/// <summary>Looks up checksums of blocks in the summaries of their parts, each of which it reads once.</summary>
internal sealed class SummaryReader(StoreEngine engine, ChunkId chunk) : IDisposable
{
    private readonly Dictionary<ulong, PinnedValue?> _summaries = [];

    /// <summary>The checksum in the header of a block that a part has; null when it cannot be told.</summary>
    public uint? ChecksumOf(ChunkContent content, uint block)
    {
        if (content.PartOf(block) is not { } part)
        {
            return content.OpenOf(block)?.Part.ChecksumOf(block);
        }

        if (!_summaries.TryGetValue(part.Part, out var summary))
        {
            try
            {
                summary = engine.GetBlock(chunk, part.Part, StoreKeys.Summary);
            }
            catch (StoreCorruptException)
            {
                summary = null; // Then nothing is known of its blocks; the scrubber finds out which are damaged.
            }

            _summaries[part.Part] = summary;
        }

        return summary is null ? null : PartSummary.Find(summary.Span, block);
    }

    public void Dispose()
    {
        foreach (var summary in _summaries.Values)
        {
            summary?.Dispose();
        }
    }
}
