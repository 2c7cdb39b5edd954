using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using DistFS.Metadata.Chunks;
using DistFS.Primitives;

namespace DistFS.Metadata.Placement;

/// <summary>What a server's replica is worth.</summary>
public enum ReplicaState : byte
{
    /// <summary>Whole, and of the chunk's version.</summary>
    Good = 1,

    /// <summary>A checksum failed, or its version is older: never read, replaced where it lies.</summary>
    Bad = 2,
}

/// <summary>A replica of a chunk.</summary>
/// <param name="Server">Where.</param>
/// <param name="State">What it is worth.</param>
public readonly record struct Replica(ServerId Server, ReplicaState State);

/// <summary>A chunk, as placement sees it. Holds its replicas itself, so that a scan allocates nothing.</summary>
public readonly struct ChunkInfo
{
    /// <summary>
    /// Most replicas in a record: the goal, those on servers that died meanwhile, and those that are moving.
    /// </summary>
    public const int ReplicasMax = 16;

    private readonly Buffer _replicas;
    private readonly int _count;

    /// <summary>Joins the parts.</summary>
    /// <exception cref="ArgumentException">
    /// More than <see cref="ReplicasMax"/> replicas, two on one server, or a goal or a size that cannot be.
    /// </exception>
    public ChunkInfo(
        ChunkId id, ChunkVersion version, long sizeBytes, ReplicaGoal goal, ReadOnlySpan<Replica> replicas)
    {
        if (replicas.Length > ReplicasMax || !goal.IsValid || sizeBytes < 0 || HasTwoOnOneServer(replicas))
        {
            throw new ArgumentException($"{id} cannot have {replicas.Length} replicas, {goal}, {sizeBytes} bytes.");
        }

        (Id, Version, SizeBytes, Goal, _count) = (id, version, sizeBytes, goal, replicas.Length);
        replicas.CopyTo(_replicas);
    }

    /// <summary>
    /// A chunk as its row says: a copy in it is good, since one that is not is taken out, but for those that their
    /// servers are known to lack while no other is known to have one, and those that are unclean.
    /// </summary>
    public static ChunkInfo Of(ChunkId id, in ChunkRow row)
    {
        Span<Replica> replicas = stackalloc Replica[row.Replicas.Length];
        for (var i = 0; i < replicas.Length; i++)
        {
            var server = row.Replicas.Span[i];
            replicas[i] = new Replica(server, row.IsBad(server) ? ReplicaState.Bad : ReplicaState.Good);
        }

        var goal = new ReplicaGoal(
            Math.Clamp((int)row.Goal, 1, ReplicaGoal.ReplicasMax), row.AnyRack ? RackRule.None : RackRule.Spread);
        return new ChunkInfo(id, row.Version, row.Length, goal, replicas);
    }

    /// <summary>Which.</summary>
    public ChunkId Id { get; }

    /// <summary>What replicas must be of to be good.</summary>
    public ChunkVersion Version { get; }

    /// <summary>Bytes to copy for one replica.</summary>
    public long SizeBytes { get; }

    /// <summary>What it should have.</summary>
    public ReplicaGoal Goal { get; }

    /// <summary>What it has: at most one replica on a server.</summary>
    [UnscopedRef]
    public ReadOnlySpan<Replica> Replicas => ((ReadOnlySpan<Replica>)_replicas)[.._count];

    /// <summary>Its replica on a server; -1 for none.</summary>
    public int IndexOf(ServerId server)
    {
        for (var i = 0; i < _count; i++)
        {
            if (_replicas[i].Server == server)
            {
                return i;
            }
        }

        return -1;
    }

    private static bool HasTwoOnOneServer(ReadOnlySpan<Replica> replicas)
    {
        for (var i = 1; i < replicas.Length; i++)
        {
            for (var j = 0; j < i; j++)
            {
                if (replicas[i].Server == replicas[j].Server)
                {
                    return true;
                }
            }
        }

        return false;
    }

    [InlineArray(ReplicasMax)]
    private struct Buffer
    {
        private Replica _first;
    }
}
