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
    /// a snapshot. Asked after every entry, so it is kept up to date and not computed.
    /// </summary>
    ulong Hash { get; }

    /// <summary>Runs one committed command.</summary>
    MachineReply Apply(RaftEntry entry);

    /// <summary>Answers a question about the state as it is, without changing it.</summary>
    byte[] Query(ReadOnlySpan<byte> question);

    /// <summary>All of the state as bytes.</summary>
    byte[] Snapshot();

    /// <summary>Replaces the state.</summary>
    void Restore(ReadOnlySpan<byte> snapshot);
}

/// <summary>What running a command gave.</summary>
/// <param name="Client">Whose command.</param>
/// <param name="Sequence">Which of its commands.</param>
/// <param name="Reply">The answer: the first one, however often the command comes.</param>
/// <param name="WasExecuted">Whether it had an effect now; false for a repetition.</param>
public sealed record MachineReply(ClientId Client, SequenceNumber Sequence, byte[] Reply, bool WasExecuted);
