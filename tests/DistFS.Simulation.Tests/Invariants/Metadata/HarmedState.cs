using DistFS.Metadata;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Simulation.Tests.Invariants.Metadata;

/// <summary>
/// The shipped state machine, whose entries are told to an invariant as a world tells them; and entries that claim to
/// have done to the rows what the machine never would.
/// </summary>
internal sealed class HarmedState
{
    private readonly List<RowChange> _changes = [];

    public HarmedState(Func<HashedStore, MetadataInvariant> make)
    {
        Store.Written = _changes.AddRange;
        Machine = new MetadataMachine(Store);
        Invariant = make(Store);
        var bootstrap = new BootstrapRequest { ClusterLow = 1, NameKeyLow = 2, Mode = 0b111_111_111 };
        Apply(new MetadataCommand { Bootstrap = bootstrap });
    }

    public HashedStore Store { get; } = new(new MemoryStore());

    public MetadataMachine Machine { get; }

    public MetadataInvariant Invariant { get; }

    /// <summary>Since its start, by logged time.</summary>
    public long NowMs { get; set; } = 1_000;

    public static byte[] Key(RowTable table, params ReadOnlySpan<ulong> numbers)
    {
        var key = new RowKey(stackalloc byte[RowKey.BytesMax], table);
        foreach (var number in numbers)
        {
            key.Add(number);
        }

        return key.Bytes.ToArray();
    }

    /// <summary>What the machine makes of a command.</summary>
    public MetadataEntry Apply(MetadataCommand command)
    {
        command.LeaderTime = new Time { Seconds = NowMs / 1_000, Nanoseconds = (uint)(NowMs % 1_000) * 1_000_000 };
        _changes.Clear();
        var reply = Machine.Apply(Machine.AppliedIndex.Next, command.ToByteArray());
        Machine.Flush();
        var entry = Entry(command, reply, [.. _changes]);
        Invariant.OnEntry(entry);
        return entry;
    }

    /// <summary>The invariant must report an entry that claims this, by its name.</summary>
    public void Reports(MetadataEntry entry)
    {
        var error = Assert.Throws<InvariantException>(() => Invariant.OnEntry(entry));
        Assert.Equal(Invariant.Name, error.Name);
    }

    /// <summary>The same, and without a row that is changed there is nothing to report.</summary>
    public void Reports(MetadataCommand command, MetadataReply reply, params RowChange[] changes)
    {
        Invariant.OnEntry(Entry(command, reply.ToByteArray(), []));
        Reports(Entry(command, reply.ToByteArray(), changes));
    }

    /// <summary>An entry that claims to have changed these rows.</summary>
    public MetadataEntry Entry(MetadataCommand command, byte[] reply, IReadOnlyList<RowChange> changes) => new(
        Machine.AppliedIndex, command, reply, MetadataReply.Parser.ParseFrom(reply), Machine.Time, changes, Machine);

    public MetadataEntry OpenSession(ulong nonce, ulong leaseMs = 2_000) => Apply(new MetadataCommand
    {
        OpenSession = new OpenSessionRequest { Nonce = nonce, LeaseMs = leaseMs },
    });

    public MetadataEntry Make(ulong client, ulong sequence, string name, InodeKind kind = InodeKind.File) =>
        Apply(new MetadataCommand
        {
            Client = client,
            Sequence = sequence,
            Mutate = new MutateRequest
            {
                Operations =
                {
                    new Operation
                    {
                        Caller = new Caller(),
                        Make = new MakeRequest
                        {
                            Parent = InodeId.Root.Value,
                            Name = MetadataPlaces.Bytes(name),
                            Kind = (uint)kind,
                            Mode = 0b110_100_000,
                        },
                    },
                },
            }.ToByteString(),
        });
}
