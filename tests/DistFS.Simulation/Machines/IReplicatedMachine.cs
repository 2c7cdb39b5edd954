using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>
/// A state machine that the world replicates. One instance per member; all must be equal after equal logs.
/// </summary>
public interface IReplicatedMachine
{
    /// <summary>
    /// A hash of the whole state, the same on every member after the same entries, whether they were applied or came in
    /// a snapshot. Asked after every entry, so it is kept up to date and not computed. Null while something that was
    /// applied is not in it yet: never after <see cref="Publish"/>.
    /// </summary>
    ulong? Hash { get; }

    /// <summary>Runs one committed command.</summary>
    MachineReply Apply(RaftEntry entry);

    /// <summary>An entry that says nothing to it: a no-op, or members.</summary>
    void Skip(RaftEntry entry)
    {
    }

    /// <summary>What was applied can be read from now on.</summary>
    void Publish()
    {
    }

    /// <summary>Answers a question about the state as it is, without changing it.</summary>
    byte[] Query(ReadOnlySpan<byte> question);

    /// <summary>All of the state as bytes.</summary>
    byte[] Snapshot();

    /// <summary>Replaces the state by one of <paramref name="index"/>.</summary>
    void Restore(ReadOnlySpan<byte> snapshot, LogIndex index);
}

/// <summary>What running a command gave.</summary>
/// <param name="Client">Whose command.</param>
/// <param name="Sequence">Which of its commands.</param>
/// <param name="Reply">The answer: the first one, however often the command comes.</param>
/// <param name="WasExecuted">Whether it had an effect now; false for a repetition.</param>
public sealed record MachineReply(ClientId Client, SequenceNumber Sequence, byte[] Reply, bool WasExecuted)
{
    /// <summary>Whether the reply is gone, since the client has said that it no longer wants it: nobody is answered.
    /// </summary>
    public bool IsForgotten { get; init; }
}
