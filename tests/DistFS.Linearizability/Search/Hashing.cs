namespace DistFS.Linearizability;

/// <summary>Scatters numbers over 64 bits.</summary>
internal static class Hashing
{
    /// <summary>The finalizer of SplitMix64: a bijection in which every input bit moves half of the output.</summary>
    public static ulong Mix(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
