namespace DistFS.Linearizability;

/// <summary>How a search ended.</summary>
/// <param name="Verdict">What is known.</param>
/// <param name="Steps">Calls of the model.</param>
/// <param name="Order">Positions in the list of operations: an order that explains all, or the longest
/// beginning.</param>
/// <param name="Stuck">The operation that answered before any other of those that could not be placed; -1 if all
/// were.</param>
internal sealed record SearchOutcome(Verdict Verdict, long Steps, IReadOnlyList<int> Order, int Stuck);
