using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>Which state machine the members of a world run, and who uses it for what.</summary>
public abstract class Workload
{
    /// <summary>Those who ask; the place in the list is that of the endpoint after the first client's.</summary>
    public abstract IReadOnlyList<IClient> Clients { get; }

    /// <summary>The longest command.</summary>
    public abstract int CommandBytesMax { get; }

    /// <summary>How often which operation ended how, for those that tell.</summary>
    public virtual IReadOnlyDictionary<string, long> Counts => new Dictionary<string, long>();

    /// <summary>What must hold of this state machine.</summary>
    public abstract IEnumerable<Invariant> MakeInvariants(Oracle oracle);

    /// <summary>A new state machine for a node, and up to where it is.</summary>
    public abstract IReplicatedMachine NewMachine(SimulatedNode node, out LogIndex applied);

    /// <summary>What a leader proposes when it is asked for something: it may add what it alone knows.</summary>
    public virtual ReadOnlyMemory<byte> ToCommand(SimulatedNode leader, ReadOnlyMemory<byte> request) => request;

    /// <summary>The process of a node has started.</summary>
    public virtual void Started(SimulatedNode node)
    {
    }

    /// <summary>A session asks a node about leases.</summary>
    public virtual void Receive(SimulatedNode node, LeaseCall call)
    {
    }

    /// <summary>The world begins.</summary>
    public abstract void Start();

    /// <summary>Faults are over.</summary>
    public abstract void Quiet();

    /// <summary>What of it is not at rest yet, when all else is; null for nothing.</summary>
    public virtual string? WhatIsNotQuiet(SimulatedNode leader) => null;

    /// <summary>The world is over: is what was seen right?</summary>
    public abstract void Check();
}
