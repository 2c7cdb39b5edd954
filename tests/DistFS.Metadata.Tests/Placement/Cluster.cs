using DistFS.Metadata.Placement;
using ChunkInfo = DistFS.Metadata.Placement.ChunkInfo;
using ServerState = DistFS.Metadata.Placement.ServerState;

namespace DistFS.Metadata.Tests.Placement;

/// <summary>Makes servers and chunks.</summary>
internal static class Cluster
{
    public const long GiB = 1L << 30;
    public const long ChunkBytes = 64L << 20;

    /// <summary>Servers 1 to <paramref name="count"/>, dealt to racks in turn.</summary>
    public static ServerInfo[] Servers(int count, int racks = 1, long capacity = 1000 * GiB, long used = 0) =>
        [.. Enumerable.Range(1, count).Select(i => new ServerInfo(
            new ServerId((uint)i), new RackId((uint)(i % racks)), capacity, used, ServerState.Up))];

    public static ServerLoads Loads(params ServerInfo[] servers) => new(Ring.Build(servers, Ring.UnitFor(servers)));

    public static ReplicaGoal Goal(int replicas, RackRule racks = RackRule.Spread) => new(replicas, racks);

    public static ChunkInfo Chunk(ulong id, ReplicaGoal goal, params uint[] servers) =>
        new(new ChunkId(id), new ChunkVersion(1), ChunkBytes, goal,
            [.. servers.Select(s => new Replica(new ServerId(s), ReplicaState.Good))]);

    public static ServerId[] Place(ServerLoads loads, ulong chunk, ReplicaGoal goal, uint local = 0) =>
        Place(loads, chunk, goal, out _, local);

    public static ServerId[] Place(
        ServerLoads loads, ulong chunk, ReplicaGoal goal, out PlacementFlaws flaws, uint local = 0)
    {
        var found = new ServerId[ReplicaGoal.ReplicasMax];
        var result = Placer.Place(
            loads, new PlacementRequest(new ChunkId(chunk), ChunkBytes, goal, new ServerId(local)), found);
        flaws = result.Flaws;
        return found[..result.Count];
    }

    public static ServerInfo[] With(this ServerInfo[] servers, uint id, ServerState state) =>
        [.. servers.Select(s => s.Id.Value == id ? s with { State = state } : s)];
}
