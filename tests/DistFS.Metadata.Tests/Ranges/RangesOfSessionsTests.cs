using DistFS.Metadata.Fsck;
using DistFS.Metadata.Leases;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;
using Google.Protobuf;

namespace DistFS.Metadata.Tests.Ranges;

/// <summary>Ranges of inode numbers, and whether leases are used, live and end with the session.</summary>
public sealed class RangesOfSessionsTests
{
    private readonly MemoryStore _store = new();
    private readonly MetadataMachine _machine;
    private long _seconds = 1_800_000_000;

    public RangesOfSessionsTests()
    {
        _machine = new MetadataMachine(_store);
        Apply(new MetadataCommand { Bootstrap = new BootstrapRequest { NameKeyLow = 5, Mode = 0x1ED } });
        Assert.Equal(2UL, Open(9, leases: true));
    }

    [Fact]
    public void A_repeated_request_gets_the_same_range()
    {
        var first = Reserve(2, 1);
        Assert.Equal(first, Reserve(2, 1));
        Assert.Equal(first.First + 64, Reserve(2, 2).First);
        Assert.Equal(2, Ranges());
        Assert.Equal(FsStatus.Ok, Make(2, 3, "a", first.First));
        Assert.Equal(FsStatus.Ok, Make(2, 3, "a", first.First));
        Assert.Equal(FsStatus.Stale, Make(2, 4, "b", first.First));
    }

    [Fact]
    public void What_is_left_of_a_range_ends_with_the_session()
    {
        var range = Reserve(2, 1);
        _seconds += 60;
        Apply(new MetadataCommand { ExpireSessions = new ExpireSessionsRequest { LedMs = 60_000 } });
        Assert.Equal(0, Ranges());
        var next = Open(9, leases: false);
        Assert.Equal(FsStatus.NotPermitted, Make(next, 1, "a", range.First));
        Assert.Equal(range.First + 64, Reserve(next, 2).First);
        Apply(new MetadataCommand { Client = next, EndSession = new EndSessionRequest() });
        Assert.Equal(0, Ranges());
    }

    [Fact]
    public void Which_sessions_use_leases_stands_in_the_state()
    {
        var other = Open(10, leases: false);
        _machine.Flush();
        Assert.Equal([new LeaseHolder(new ClientId(2), 10_000)], LeaseHolders.In(_store));
        Assert.NotNull(LeaseHolders.Find(_store, new ClientId(2), out _));
        Assert.Null(LeaseHolders.Find(_store, new ClientId(other), out var isThere));
        Assert.True(isThere);
        Assert.Null(LeaseHolders.Find(_store, new ClientId(11), out isThere));
        Assert.False(isThere);

        // Once said it stays, however it is heard of.
        Assert.Equal(2UL, Open(9, leases: true));
        Apply(new MetadataCommand { Client = other, KeepAlive = new KeepAliveRequest() });
        _machine.Flush();
        Assert.Equal([new LeaseHolder(new ClientId(2), 10_000)], LeaseHolders.In(_store));
        var flags = new List<string>();
        _store.Scan([(byte)RowTable.Session], [(byte)RowTable.Session + 1], (_, value) =>
        {
            flags.Add(Convert.ToHexStringLower(value[..8]));
            return true;
        });
        Assert.Equal(["0101000000000000", "0100000000000000"], flags);
    }

    private ulong Open(ulong nonce, bool leases) => Apply(new MetadataCommand
    {
        OpenSession = new OpenSessionRequest { Nonce = nonce, LeaseMs = 10_000, Leases = leases },
    }).OpenSession.Client;

    private InodeRange Reserve(ulong client, ulong sequence) => Mutate(client, sequence, new Operation
    {
        ReserveInodes = new ReserveInodesRequest { Count = 64 },
    }).Inodes;

    private FsStatus Make(ulong client, ulong sequence, string name, ulong inode) => (FsStatus)Mutate(
        client,
        sequence,
        new Operation
        {
            Caller = new Caller(),
            Make = new MakeRequest
            {
                Parent = 1,
                Name = ByteString.CopyFromUtf8(name),
                Kind = (uint)InodeKind.File,
                Inode = inode,
            },
        }).Status;

    private OperationReply Mutate(ulong client, ulong sequence, Operation operation) => Apply(new MetadataCommand
    {
        Client = client,
        Sequence = sequence,
        Mutate = new MutateRequest { Operations = { operation } }.ToByteString(),
    }).Mutate.Replies[0];

    private MetadataReply Apply(MetadataCommand command)
    {
        command.LeaderTime = new Time { Seconds = _seconds };
        return MetadataReply.Parser.ParseFrom(_machine.Apply(_machine.AppliedIndex.Next, command.ToByteArray()));
    }

    private int Ranges()
    {
        _machine.Flush();
        Assert.Empty(TreeCheck.Run(_store, 5));
        var ranges = 0;
        _store.Scan([(byte)RowTable.InodeRange], [(byte)RowTable.InodeRange + 1], (_, _) => ++ranges > 0);
        return ranges;
    }
}
