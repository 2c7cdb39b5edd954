using DistFS.Chunks;
using DistFS.Primitives;

namespace DistFS.Chunkserver.Copies;

/// <summary>Which blocks of a chunk have to cross the network, and which of those that are here have to go.</summary>
/// <param name="Fetch">Runs of blocks to fetch, in order.</param>
/// <param name="Drop">Blocks whose content here is not that of the source.</param>
internal sealed record CopyPlan(
    IReadOnlyList<(BlockIndex First, int Count)> Fetch, IReadOnlyList<BlockIndex> Drop)
{
    /// <summary>Blocks in a request at most: 1 MiB as they are read.</summary>
    public const int RunMax = 16;

    /// <summary>All blocks of a chunk.</summary>
    /// <param name="blocks">How many it has.</param>
    public static CopyPlan All(int blocks) => Of(Enumerable.Range(0, blocks).Select(static block => (uint)block), []);

    /// <summary>The difference.</summary>
    /// <param name="there">Blocks of the source that are not zeros.</param>
    /// <param name="here">Blocks of the copy here, each of which was verified.</param>
    public static CopyPlan Difference(
        IReadOnlyDictionary<uint, BlockDigest> there, IReadOnlyDictionary<uint, BlockDigest> here)
    {
        var wrong = here.Where(pair => !there.TryGetValue(pair.Key, out var digest) || digest != pair.Value)
            .Select(static pair => pair.Key).Order().ToList();
        return Of(
            there.Where(pair => !here.TryGetValue(pair.Key, out var digest) || digest != pair.Value)
                .Select(static pair => pair.Key).Order(),
            wrong);
    }

    private static CopyPlan Of(IEnumerable<uint> fetch, IEnumerable<uint> drop)
    {
        var runs = new List<(BlockIndex First, int Count)>();
        foreach (var block in fetch)
        {
            if (runs.Count > 0 && runs[^1] is var (first, count) && count < RunMax && first.Value + count == block)
            {
                runs[^1] = (first, count + 1);
            }
            else
            {
                runs.Add((new BlockIndex(block), 1));
            }
        }

        return new CopyPlan(runs, [.. drop.Select(static block => new BlockIndex(block))]);
    }
}
