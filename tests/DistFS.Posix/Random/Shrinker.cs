namespace DistFS.Posix.Random;

/// <summary>Makes a failing sequence of operations shorter.</summary>
internal static class Shrinker
{
    /// <summary>
    /// Leaves out pieces, large ones first, as long as what is left still fails (Zeller's delta debugging without its
    /// complements).
    /// </summary>
    /// <param name="operations">A sequence that fails.</param>
    /// <param name="fails">Runs a sequence in a fresh place and says whether it fails.</param>
    /// <param name="runsMax">How often it may be run.</param>
    public static IReadOnlyList<T> Shrink<T>(
        IReadOnlyList<T> operations, Func<IReadOnlyList<T>, bool> fails, int runsMax)
    {
        var best = operations.ToList();
        var size = best.Count / 2;
        while (size > 0 && runsMax > 0)
        {
            var shortened = false;
            for (var start = 0; start < best.Count && runsMax > 0; runsMax--)
            {
                var without = best.ToList();
                without.RemoveRange(start, Math.Min(size, best.Count - start));
                if (without.Count > 0 && fails(without))
                {
                    (best, shortened) = (without, true);
                }
                else
                {
                    start += size;
                }
            }

            size = shortened && size < best.Count ? size : size / 2;
        }

        return best;
    }
}
