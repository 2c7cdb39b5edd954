using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;
using Google.Protobuf;

namespace DistFS.Metadata.Tests;

/// <summary>
/// A client that had what it changed under leases has told its time: the metaservers take it, within bounds, and need
/// not tell the client what it knows.
/// </summary>
public sealed class ToldTimeTests
{
    private const long LogSeconds = 1_800_000_000;

    private readonly MetadataMachine _machine = new(new MemoryStore());
    private readonly ulong _client;
    private ulong _sequence;

    public ToldTimeTests()
    {
        Apply(new MetadataCommand { Bootstrap = new BootstrapRequest { NameKeyLow = 5, Mode = 0x1ED } });
        _client = Apply(new MetadataCommand
        {
            OpenSession = new OpenSessionRequest { Nonce = 9, LeaseMs = 10_000, Leases = true },
        }).OpenSession.Client;
    }

    [Theory]
    [InlineData(2, 2)]
    [InlineData(-60, -60)]
    [InlineData(60, 60)]
    [InlineData(61, 0)]
    [InlineData(-61, 0)]
    [InlineData(long.MaxValue - LogSeconds, 0)]
    [InlineData(long.MinValue, 0)]
    public void What_was_made_here_has_the_time_that_was_told_if_it_is_near(long told, long taken)
    {
        var time = new Time { Seconds = told + (told == long.MinValue ? 0 : LogSeconds), Nanoseconds = 7 };
        var made = Make(new Operation { ToldTime = time }).Attributes;
        Assert.Equal(LogSeconds + taken, made.BirthTime.Seconds);
        Assert.Equal(LogSeconds + taken, made.ModifyTime.Seconds);
        Assert.Equal(LogSeconds + taken, made.ChangeTime.Seconds);
        Assert.Equal(taken == 0 ? made.ChangeTime.Nanoseconds : 7, made.ChangeTime.Nanoseconds);

        // And so has the directory.
        var parent = Mutate(new Operation { SetAttributes = new SetAttributesRequest { Inode = 1 } }).Attributes;
        Assert.Equal(made.ChangeTime, parent.ModifyTime);
    }

    [Fact]
    public void A_brief_reply_has_no_attributes()
    {
        Assert.Null(Make(new Operation { Brief = true }).Attributes);
        var again = Make(new Operation { Brief = true });
        Assert.Equal((int)FsStatus.AlreadyExists, again.Status);
    }

    private OperationReply Make(Operation operation)
    {
        operation.Make = new MakeRequest
        {
            Parent = 1,
            Name = ByteString.CopyFromUtf8("a"),
            Kind = (uint)InodeKind.File,
            Mode = 0b110_100_100,
        };
        return Mutate(operation);
    }

    private OperationReply Mutate(Operation operation)
    {
        operation.Caller = new Caller();
        return Apply(new MetadataCommand
        {
            Client = _client,
            Sequence = ++_sequence,
            Mutate = new MutateRequest { Operations = { operation } }.ToByteString(),
        }).Mutate.Replies[0];
    }

    private MetadataReply Apply(MetadataCommand command)
    {
        command.LeaderTime = new Time { Seconds = LogSeconds };
        return MetadataReply.Parser.ParseFrom(_machine.Apply(_machine.AppliedIndex.Next, command.ToByteArray()));
    }
}
