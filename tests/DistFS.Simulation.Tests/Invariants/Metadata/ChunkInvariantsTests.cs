using DistFS.Metadata.Chunks;
using DistFS.Metadata.Placement.Repair;
using DistFS.Metadata.Rows;
using DistFS.Primitives;
using DistFS.Protocol;
using ChunkState = DistFS.Metadata.Chunks.ChunkState;

namespace DistFS.Simulation.Tests.Invariants.Metadata;

/// <summary>Chunks that go back, garbage that somebody needs, copies that are given up.</summary>
public sealed class ChunkInvariantsTests
{
    private const ulong Id = 4;

    private static readonly MetadataCommand Command = new();
    private static readonly MetadataReply Reply = new();

    private static readonly ChunkRow Row = new()
    {
        State = ChunkState.Sealed,
        Goal = 2,
        Version = new ChunkVersion(3),
        Length = 100,
        References = 1,
        Written = new ChunkVersion(3),
        ChangedAt = new LogIndex(1),
        Replicas = new[] { new ServerId(1), new ServerId(2) },
    };

    private readonly HarmedState _versions = new(_ => new ChunkVersionsGrow());
    private readonly HarmedState _garbage = new(_ => new GarbageIsUnreferenced());

    public static TheoryData<string> Backwards => ["version", "length", "server", "opened"];

    [Fact]
    public void AChunkComesBack()
    {
        _versions.Invariant.OnEntry(_versions.Entry(Command, [], [Chunk(null, Row)]));
        _versions.Invariant.OnEntry(_versions.Entry(Command, [], [Chunk(Row, null)]));
        _versions.Reports(Command, Reply, Chunk(null, Row));
    }

    [Theory]
    [MemberData(nameof(Backwards))]
    public void AChunkGoesBack(string how)
    {
        var after = how switch
        {
            "version" => Row with { Version = new ChunkVersion(2) },
            "length" => Row with { Length = 99 },
            "server" => Row.Without(new ServerId(2)),
            _ => Row with { State = ChunkState.Open },
        };
        _versions.Reports(Command, Reply, Chunk(Row, after));

        // In the next version all of this is right.
        _versions.Invariant.OnEntry(_versions.Entry(
            Command, [], [Chunk(Row, after with { Version = new ChunkVersion(4) })]));
    }

    [Fact]
    public void GarbageIsForgotten()
    {
        var row = new RowChange(HarmedState.Key(RowTable.Garbage, 1, Id), [1], null);
        _garbage.Invariant.OnEntry(_garbage.Entry(
            new MetadataCommand { ConfirmDeleted = new ConfirmDeletedRequest() }, [], [row]));
        _garbage.Reports(Command, Reply, row);
    }

    [Fact]
    public void GarbageIsNamedByAFile()
    {
        var place = new byte[MapRow.SizeBytes];
        MapRow.Of(new ChunkId(Id)).Write(place);
        _garbage.Invariant.OnEntry(_garbage.Entry(
            Command, [], [new RowChange(HarmedState.Key(RowTable.Map, 9, 0), null, place)]));
        _garbage.Reports(Command, Reply, new RowChange(HarmedState.Key(RowTable.Garbage, 1, Id), null, [1]));
    }

    [Fact]
    public void GarbageIsACopy()
    {
        _garbage.Machine.Tree!.Chunks.Put(new ChunkId(Id), Row);
        _garbage.Reports(Command, Reply, new RowChange(HarmedState.Key(RowTable.Garbage, 1, Id), null, [1]));
    }

    [Fact]
    public void GarbageIsElsewhere()
    {
        _garbage.Machine.Tree!.Chunks.Put(new ChunkId(Id), Row);
        _garbage.Invariant.OnEntry(_garbage.Entry(
            Command, [], [new RowChange(HarmedState.Key(RowTable.Garbage, 3, Id), null, [1])]));
    }

    [Fact]
    public void NobodyHasAGoodCopy()
    {
        var servers = Servers();
        var state = new HarmedState(_ => new GoodCopySurvives(servers));
        var row = Row with { Replicas = new[] { servers.All[0].Id } };
        state.Reports(Command, Reply, Chunk(null, row));
        foreach (var copy in (StoredCopy[])[new(2, 100), new(3, 99)])
        {
            servers.All[0].Copies[Id] = copy;
            state.Reports(Command, Reply, Chunk(null, row));
        }

        servers.All[0].Copies[Id] = new StoredCopy(3, 100);
        state.Invariant.OnEntry(state.Entry(Command, [], [Chunk(null, row)]));
    }

    [Fact]
    public void TheLastCopyThatIsUpIsGivenUp()
    {
        var state = new HarmedState(_ => new RepairRules(Servers()));
        for (ulong i = 1; i <= 2; i++)
        {
            var register = new RegisterServerRequest { Store = 100 + i, Incarnation = 1, Address = $"host{i}:1" };
            Assert.Equal(0, state.Apply(new MetadataCommand { RegisterServer = register }).Reply.Status);
        }

        var after = Row.Without(new ServerId(2));
        state.Invariant.OnEntry(state.Entry(Command, [], [Chunk(Row, after)]));
        var down = new SetServerStateRequest { Server = 1, Incarnation = 1, State = ServerState.Down };
        Assert.Equal(0, state.Apply(new MetadataCommand { SetServerState = down }).Reply.Status);
        state.Reports(Command, Reply, Chunk(Row, after));
    }

    [Fact]
    public void AChunkIsNowhere()
    {
        var state = new HarmedState(_ => new RepairRules(Servers()));
        state.Reports(Command, Reply, Chunk(Row, Row with { Replicas = Array.Empty<ServerId>() }));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 2)]
    public void ACopyGoesNowhere(uint source, uint target)
    {
        var rules = new RepairRules(Servers());
        var state = new HarmedState(_ => rules);
        var (from, to) = (new ServerId(source), new ServerId(target));
        var copy = new CopyAssignment(new CopyId(1), new ChunkId(Id), new ChunkVersion(3), from, to, default, 1, 1);
        var error = Assert.Throws<InvariantException>(() => rules.OnCopy(copy, state.Machine));
        Assert.Equal(rules.Name, error.Name);
    }

    private static RowChange Chunk(ChunkRow? before, ChunkRow? after) =>
        new(HarmedState.Key(RowTable.Chunk, Id), before?.Write(), after?.Write());

    private static ChunkServers Servers() =>
        ((MetadataWorkload)new World(1, SimulationSize.Light, SimulationMachine.Metadata).Workload).Servers;
}
