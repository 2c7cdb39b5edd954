namespace DistFS.Linearizability;

/// <summary>How much work a check may do.</summary>
public sealed record CheckerOptions
{
    /// <summary>
    /// Calls of the model before the verdict is <see cref="Verdict.Unknown"/>. The problem is NP-complete (Gibbons and
    /// Korach 1997), so only a bound makes sure of an end; steps, unlike time, give the same verdict on every machine.
    /// The explanation of a failure may take as many again for each doubling of the number of operations.
    /// </summary>
    public long StepsMax { get; init; } = 5_000_000;
}
