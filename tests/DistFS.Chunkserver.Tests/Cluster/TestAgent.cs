using DistFS.Chunkserver.Cluster;
using DistFS.Protocol;

namespace DistFS.Chunkserver.Tests.Cluster;

/// <summary>The agent's decisions, with a leader that says what a test wants.</summary>
internal sealed class TestAgent
{
    public const uint Id = 3;
    public const ulong Run = 11;
    private const uint ServeMs = 7_000;

    public TestAgent(AgentIdentity? identity = null) => Core = new AgentCore(
        identity ?? new AgentIdentity(new ServerId(Id), new StoreId(5), Run, 10, "host:1", "rack"));

    public AgentCore Core { get; }

    /// <summary>Of the log, in replies.</summary>
    public ulong Position { get; set; } = 100;

    public long NowMs { get; set; } = 1_000;

    public static ServerAnswer Ok => new();

    public static ServerAnswer Refusal(ErrorCode code) => new() { Status = (int)code.Status, Code = code.Number };

    /// <summary>Registered, with a position, and about to tell what it has.</summary>
    public TestAgent Register()
    {
        Assert.IsType<AgentWork.Register>(Core.NextWork());
        Core.Registered(new RegisterServerAnswer { Answer = Ok, Server = Id });
        Assert.Equal(AgentPhase.Positioning, Core.Phase);
        Beat();
        Assert.Equal(AgentPhase.Telling, Core.Phase);
        return this;
    }

    /// <summary>Its inventory is through.</summary>
    public TestAgent Tell(params IEnumerable<DeleteOrder> deletes)
    {
        var page = Page();
        Core.PageAnswered(page, PageReply(0, deletes));
        Assert.Equal(AgentPhase.Through, Core.Phase);
        return this;
    }

    public TestAgent Through() => Register().Tell();

    public AgentWork.Page Page() => Assert.IsType<AgentWork.Page>(Core.NextWork());

    public InventoryReply PageReply(ulong next, params IEnumerable<DeleteOrder> deletes)
    {
        var reply = new InventoryReply { Answer = Ok, Next = next, Position = Position };
        reply.Deletes.Add(deletes);
        return reply;
    }

    public Heartbeat NextBeat() => Core.NextHeartbeat(default)!;

    public HeartbeatReply Reply() => new()
    {
        Answer = Ok,
        Position = Position,
        ServeMs = ServeMs,
        KnowsCopies = true,
    };

    /// <summary>A heartbeat that is answered at once.</summary>
    public AgentOrders Beat(Action<HeartbeatReply>? change = null)
    {
        var reply = Reply();
        change?.Invoke(reply);
        return Core.HeartbeatAnswered(NextBeat(), reply, NowMs);
    }

    public static CopyOrder Copy(ulong copy, ulong chunk, uint version = 1) =>
        new() { Copy = copy, Chunk = chunk, Version = version, Source = 9, SourceAddress = "other:1" };

    public static DeleteOrder Delete(ulong chunk, uint version = 1, ulong copy = 0) =>
        new() { Chunk = chunk, Version = version, Copy = copy };

    public static LostCopy Lost(ulong chunk, uint version = 1) =>
        new() { Chunk = chunk, Version = version, Status = (int)FsStatus.Corrupt };

    public static CopyResult Result(ulong copy, ulong chunk, FsStatus status = FsStatus.Ok) =>
        new() { Copy = copy, Chunk = chunk, Version = 1, Status = (int)status };
}
