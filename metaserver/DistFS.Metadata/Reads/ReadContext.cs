using DistFS.Primitives;

namespace DistFS.Metadata.Reads;

/// <summary>What a read works with. It changes nothing and is not in the log: one member answers it.</summary>
/// <param name="Tree">The state, with what has not reached the store yet.</param>
/// <param name="Caller">On whose behalf.</param>
/// <param name="Client">The session that asks; zero is nobody's.</param>
public readonly record struct ReadContext(Tree Tree, Principal Caller, ClientId Client = default);
