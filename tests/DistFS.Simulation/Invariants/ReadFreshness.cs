using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>
/// A read sees at least everything that was committed, anywhere, when it was asked for (thesis, 6.4).
/// </summary>
public sealed class ReadFreshness(Oracle oracle) : Invariant
{
    private readonly Dictionary<(MemberId, ulong), LogIndex> _asked = [];

    /// <inheritdoc/>
    public override string Name => "reads are fresh";

    /// <inheritdoc/>
    public override void OnReadAsked(MemberShadow member, ulong context) =>
        _asked[(member.Id, context)] = oracle.Commit;

    /// <inheritdoc/>
    public override void OnReadGranted(MemberShadow member, ReadGranted read)
    {
        Must(_asked.Remove((member.Id, read.Context), out var least),
            $"{member} grants {read.Context} out of the blue");
        Must(
            read.Index >= least,
            $"{member} grants a read at {read.Index}, asked for when {least} was committed");
    }
}
