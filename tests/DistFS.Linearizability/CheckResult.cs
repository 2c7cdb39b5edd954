namespace DistFS.Linearizability;

/// <summary>What is known about a history.</summary>
public enum Verdict
{
    /// <summary>Some order of the operations explains every answer.</summary>
    Linearizable,

    /// <summary>No order does.</summary>
    Illegal,

    /// <summary>The steps were used up first. A test must treat this as a failure.</summary>
    Unknown,
}

/// <summary>The verdict on a history.</summary>
/// <param name="Verdict">Of all parts together: illegal if one is, else unknown if one is.</param>
/// <param name="Steps">Calls of the model for the verdict, without those for the explanation.</param>
/// <param name="Parts">Each part that the model separates, in the order of first use.</param>
/// <param name="Culprits">Indices of the operations whose answers are the first that nothing explains: normally one;
/// empty unless illegal.</param>
/// <param name="Explanation">At most 40 lines for a person; empty if linearizable.</param>
public sealed record CheckResult(
    Verdict Verdict,
    long Steps,
    IReadOnlyList<PartResult> Parts,
    IReadOnlyList<int> Culprits,
    string Explanation)
{
    /// <summary>Whether some order explains every answer.</summary>
    public bool IsLinearizable => Verdict == Verdict.Linearizable;

    /// <inheritdoc/>
    public override string ToString() => Explanation.Length > 0 ? Explanation : Verdict.ToString();
}

/// <summary>The verdict on one part of a history.</summary>
/// <param name="Key">What <see cref="IModel{TState, TInput, TOutput}.Partition"/> gave; null if nothing is
/// separated.</param>
/// <param name="Verdict">Of this part.</param>
/// <param name="Steps">Calls of the model.</param>
/// <param name="Order">Indices of operations of the history: if linearizable, an order that explains it, in which
/// pending operations stand only where they took effect; otherwise the longest beginning that was found.</param>
public sealed record PartResult(object? Key, Verdict Verdict, long Steps, IReadOnlyList<int> Order);
