using DistFS.Metadata.Rows;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Raft;
using Google.Protobuf;
using static DistFS.Simulation.Tests.Invariants.Shadows;

namespace DistFS.Simulation.Tests.Invariants.Metadata;

/// <summary>Members that differ from the reference, and rows that do not add up.</summary>
public sealed class MetadataReferenceTests
{
    private readonly World _world = new(1, SimulationSize.Light, SimulationMachine.Metadata);
    private readonly MetadataReference _reference;

    public MetadataReferenceTests() => _reference = ((MetadataWorkload)_world.Workload).Reference!;

    [Fact]
    public void RowsThatDoNotAddUp()
    {
        var state = new HarmedState(store => new NamespaceIsSound(store));
        var opened = state.OpenSession(8);
        var made = state.Make(opened.Reply.OpenSession.Client, 1, "a");
        var inode = made.Reply.Mutate.Replies[0].Attributes.Inode;
        state.Store.Write([new(HarmedState.Key(RowTable.Inode, inode), null)]);
        Assert.Throws<InvariantException>(() =>
        {
            for (var i = 0; i < 4; i++)
            {
                state.OpenSession(9);
            }
        });
        state.Reports(made with { Index = new LogIndex(4) });
    }

    [Fact]
    public void AnEntryIsLeftOut()
    {
        _reference.OnApplied(Member(1), Bootstrap(1), null);
        Reports(() => _reference.OnApplied(Member(1), Bootstrap(3), null));
    }

    [Fact]
    public void AMemberAnswersOtherwise()
    {
        _reference.OnApplied(Member(1), Bootstrap(1), null);
        Executed(new MetadataReply());
        Reports(() => Executed(new MetadataReply { Status = 5 }));
    }

    private void Executed(MetadataReply reply) => _reference.OnExecuted(
        Member(2),
        new LogIndex(1),
        new MachineReply(default, default, reply.ToByteArray(), WasExecuted: true));

    private void Reports(Action violation) =>
        Assert.Equal(_reference.Name, Assert.Throws<InvariantException>(violation).Name);

    private RaftEntry Bootstrap(ulong index) => new()
    {
        Id = Id(1, index),
        Kind = EntryKind.Command,
        Data = ((MetadataWorkload)_world.Workload).Bootstrap().ToByteArray(),
    };
}
