using System.Diagnostics.CodeAnalysis;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>
/// Something that must hold at every moment. The world tells it what happens; it looks only at what changed, so that
/// all of them can be asked after every event. A violation throws, and the seed has failed.
/// </summary>
public abstract class Invariant
{
    /// <summary>Its name, in the words of the literature.</summary>
    public abstract string Name { get; }

    /// <summary>A member won an election.</summary>
    public virtual void OnLeader(MemberShadow member, Term term)
    {
    }

    /// <summary>A member's term, role or commit index is another one now.</summary>
    public virtual void OnStatus(MemberShadow member, RaftStatus before, RaftStatus now)
    {
    }

    /// <summary>A leader's commit index grew because it counted.</summary>
    public virtual void OnCounted(MemberShadow leader, RaftStatus now, LogIndex before)
    {
    }

    /// <summary>The core handed an entry out for the disk; the shadow does not have it yet.</summary>
    public virtual void OnAppend(MemberShadow member, RaftEntry entry)
    {
    }

    /// <summary>A message leaves.</summary>
    public virtual void OnSend(MemberShadow member, RaftMessage message)
    {
    }

    /// <summary>A store was opened after a restart, or a copy of the durable bytes for an audit.</summary>
    public virtual void OnOpened(MemberShadow member, IRaftStorage store)
    {
    }

    /// <summary>A state machine ran an entry; of its state the hash, if it is known.</summary>
    public virtual void OnApplied(MemberShadow member, RaftEntry entry, ulong? stateHash)
    {
    }

    /// <summary>A state machine was put to a snapshot.</summary>
    public virtual void OnRestored(MemberShadow member, LogIndex index, ulong stateHash)
    {
    }

    /// <summary>A command was run, or found to be a repetition.</summary>
    public virtual void OnExecuted(MemberShadow member, LogIndex index, MachineReply reply)
    {
    }

    /// <summary>A client got the answer to a mutation.</summary>
    public virtual void OnAcknowledged(ClientId client, SequenceNumber sequence, ReadOnlyMemory<byte> reply)
    {
    }

    /// <summary>A read was asked for.</summary>
    public virtual void OnReadAsked(MemberShadow member, ulong context)
    {
    }

    /// <summary>A read was granted.</summary>
    public virtual void OnReadGranted(MemberShadow member, ReadGranted read)
    {
    }

    /// <summary>The run is over and everything is quiet.</summary>
    public virtual void OnEnd()
    {
    }

    /// <summary>Fails the seed unless <paramref name="holds"/>.</summary>
    protected void Must([DoesNotReturnIf(false)] bool holds, FormattableString detail)
    {
        if (!holds)
        {
            throw new InvariantException(Name, FormattableString.Invariant(detail));
        }
    }
}

/// <summary>An invariant does not hold: the seed has failed.</summary>
public sealed class InvariantException(string name, string detail) : Exception($"{name}: {detail}")
{
    /// <summary>Which.</summary>
    public string Name => name;
}
