using DistFS.Metadata.Fsck;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;
using Google.Protobuf;

namespace DistFS.Metadata.Tests.Sessions;

/// <summary>
/// Each session has a number that no other ever has, so that a request is executed once however late its copies come
/// (thesis, 6.3: RegisterClient gives the index of its entry).
/// </summary>
public sealed class SessionNumbersTests : IDisposable
{
    // Its entry is the second one.
    private const ulong Session = 2;

    private readonly MemoryStore _store = new();
    private readonly MetadataMachine _machine;
    private long _seconds = 1_800_000_000;

    public SessionNumbersTests()
    {
        _machine = new MetadataMachine(_store);
        Apply(new MetadataCommand { Bootstrap = new BootstrapRequest { NameKeyLow = 5, Mode = 0x1ED } });
        Assert.Equal(Session, Open());
    }

    public void Dispose() => Teeth.Plant(PlantedBug.None);

    /// <summary>The network keeps copies of what a client sent as long as it likes, also of the first call.</summary>
    [Fact]
    public void A_late_copy_of_the_call_that_opened_a_session_does_not_bring_it_back()
    {
        Assert.Equal(0, Make(1, "a").Status);
        End();
        var other = Open();
        Assert.NotEqual(Session, other);

        // One that was executed is not once more, and one that was not is not any more.
        Assert.Equal(ErrorCatalog.SessionEnded.Number, Make(1, "a").Code);
        Assert.Equal(ErrorCatalog.SessionEnded.Number, Make(2, "b").Code);
        Assert.Equal(ErrorCatalog.SessionEnded.Number, KeepAlive().Code);
        Assert.Equal(1UL, Entries());
        Assert.Equal(1, Rows(RowTable.Session));

        // What nobody knows of ends by itself.
        _seconds += 11;
        Expire();
        Assert.Equal((0, 0), (Rows(RowTable.Session), Rows(RowTable.SessionNonce)));
    }

    /// <summary>So it was as long as clients named their sessions themselves.</summary>
    [Fact]
    public void Under_a_number_that_comes_back_requests_are_executed_again()
    {
        Teeth.Plant(PlantedBug.SessionRevived);
        var number = Open(nonce: 10);
        Assert.Equal(0, Make(1, "a", number).Mutate.Replies[0].Status);
        End(number);
        Assert.Equal(number, Open(nonce: 10));
        var reply = Make(1, "a", number);
        Assert.Equal((int)FsStatus.AlreadyExists, reply.Mutate.Replies[0].Status);
    }

    [Fact]
    public void A_repeated_call_finds_the_session_while_it_lives_and_is_heard()
    {
        Assert.Equal(0, Make(1, "a").Status);
        _seconds += 9;
        Assert.Equal(Session, Open());
        Assert.Equal(0, Make(1, "a").Mutate.Replies[0].Status);
        Assert.Equal(1UL, Entries());
        _seconds += 9;
        Expire();
        Assert.Equal(0, KeepAlive().Status);
        Assert.NotEqual(Session, Open(nonce: 10));
        Assert.Equal((2, 2), (Rows(RowTable.Session), Rows(RowTable.SessionNonce)));
    }

    /// <summary>Another cluster has the same indices, and so has this one after it was set back to a copy.</summary>
    [Fact]
    public void A_number_is_the_index_of_an_entry_below_bits_of_the_nonce()
    {
        Assert.Equal(0xABCD_0000_0000_0003, Open(nonce: 0xABCD_1234_5678_9ABC));
        Assert.Equal(0x1234_0000_0000_0004UL, Open(nonce: 0x1234_1234_5678_9ABC));
    }

    [Theory]
    [InlineData(0, 10_000)]
    [InlineData(7, 999)]
    [InlineData(7, 3_600_001)]
    public void Without_a_nonce_or_of_no_sensible_length_it_is_refused(ulong nonce, ulong leaseMs)
    {
        Assert.Equal((int)FsStatus.Invalid, Apply(OpenOf(nonce, leaseMs)).Status);
        Assert.Equal((1, 1), (Rows(RowTable.Session), Rows(RowTable.SessionNonce)));
    }

    private static MetadataCommand OpenOf(ulong nonce, ulong leaseMs) =>
        new() { OpenSession = new OpenSessionRequest { Nonce = nonce, LeaseMs = leaseMs } };

    private ulong Open(ulong nonce = 9)
    {
        var reply = Apply(OpenOf(nonce, 10_000));
        Assert.Equal(0, reply.Status);
        return reply.OpenSession.Client;
    }

    private void End(ulong session = Session) => Assert.Equal(
        0, Apply(new MetadataCommand { Client = session, EndSession = new EndSessionRequest() }).Status);

    private void Expire() =>
        Apply(new MetadataCommand { ExpireSessions = new ExpireSessionsRequest { LedMs = 10_000 } });

    private MetadataReply KeepAlive() =>
        Apply(new MetadataCommand { Client = Session, KeepAlive = new KeepAliveRequest() });

    private MetadataReply Make(ulong sequence, string name, ulong session = Session) => Apply(new MetadataCommand
    {
        Client = session,
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
                        Parent = 1,
                        Name = ByteString.CopyFromUtf8(name),
                        Kind = (uint)InodeKind.File,
                    },
                },
            },
        }.ToByteString(),
    });

    private MetadataReply Apply(MetadataCommand command)
    {
        command.LeaderTime = new Time { Seconds = _seconds };
        return MetadataReply.Parser.ParseFrom(_machine.Apply(_machine.AppliedIndex.Next, command.ToByteArray()));
    }

    private ulong Entries()
    {
        Assert.True(_machine.Tree!.TryGet(InodeId.Root, out var root));
        return root.Entries;
    }

    private int Rows(RowTable table)
    {
        _machine.Flush();
        Assert.Empty(TreeCheck.Run(_store, 5));
        return _store.Rows.Count(row => row.Key[0] == (byte)table);
    }
}
