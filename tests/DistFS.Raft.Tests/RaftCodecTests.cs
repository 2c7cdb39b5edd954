using System.Buffers;
using System.Reflection;
using DistFS.Raft.Tests.Harness;

namespace DistFS.Raft.Tests;

/// <summary>The bytes of messages and configurations: fixed, whole, and never trusted.</summary>
public sealed class RaftCodecTests
{
    private const string Head = "0100000000000000 0201000000000000 0300000000000000 0700000000000000";

    private static readonly RaftConfiguration Members = new(
    [
        new RaftMember(new MemberId(1), new StoreId(0xA1), "h1"),
        new RaftMember(new MemberId(2), new StoreId(0xA2), "ö", MemberRole.VoterDemoting),
    ]);

    private const string MembersBytes =
        "01 02 0100000000000000 A100000000000000 00 02 6831 0200000000000000 A200000000000000 04 02 C3B6";

    /// <summary>Every kind, with fields that all differ.</summary>
    private static readonly (RaftMessage Message, string Bytes)[] Golden =
    [
        (Of(new VoteRequest { From = default, To = default, Term = default, IsPreVote = true, Last = Id(5, 6) }),
            "01 01 H 01 0500000000000000 0600000000000000 00"),
        (Of(new VoteRequest { From = default, To = default, Term = default, IsTransfer = true, Last = Id(5, 6) }),
            "01 01 H 00 0500000000000000 0600000000000000 01"),
        (Of(new VoteReply { From = default, To = default, Term = default, IsPreVote = true, Granted = false }),
            "01 02 H 01 00"),
        (Of(new VoteReply { From = default, To = default, Term = default, Granted = true }), "01 02 H 00 01"),
        (Of(new AppendRequest
        {
            From = default, To = default, Term = default, Previous = Id(5, 6), Commit = new LogIndex(4),
            Entries =
            [
                new RaftEntry { Id = Id(5, 7), Data = new byte[] { 0xAB, 0xCD } },
                new RaftEntry { Id = Id(7, 8), Kind = EntryKind.NoOp },
            ],
        }), "01 03 H 0500000000000000 0600000000000000 0400000000000000 02000000"
            + "0500000000000000 00 02000000 ABCD 0700000000000000 01 00000000"),
        (Of(new AppendReply
        {
            From = default, To = default, Term = default, Rejected = true, Index = new LogIndex(9), Hint = Id(5, 6),
        }), "01 04 H 01 0900000000000000 0500000000000000 0600000000000000"),
        (Of(new Heartbeat
        {
            From = default, To = default, Term = default, Commit = new LogIndex(9), ReadRound = 0x1234,
        }), "01 05 H 0900000000000000 3412000000000000"),
        (Of(new HeartbeatReply
        {
            From = default, To = default, Term = default, ReadRound = 0x1234, LastIndex = new LogIndex(9),
                IsWhole = true,
        }), "01 06 H 3412000000000000 0900000000000000 01"),
        (Of(new SnapshotPiece
        {
            From = default, To = default, Term = default, Offset = 3, Length = 2, Data = new byte[] { 0xAB, 0xCD },
            Snapshot = new SnapshotMeta
            {
                Id = 0x99, Last = Id(5, 6), Configuration = Members, SizeBytes = 100, Checksum = 0xDEADBEEF,
            },
        }), $"01 07 H 9900000000000000 0500000000000000 0600000000000000 6400000000000000 EFBEADDE {MembersBytes}"
            + "0300000000000000 02000000 02000000 ABCD"),
        (Of(new SnapshotReply
        {
            From = default, To = default, Term = default,
            SnapshotId = 0x99, NextOffset = 5, Installed = true, Match = new LogIndex(9),
        }), "01 08 H 9900000000000000 0500000000000000 01 0900000000000000"),
        (Of(new ReadIndexRequest { From = default, To = default, Term = default, ReadId = 0x1234 }),
            "01 09 H 3412000000000000"),
        (Of(new ReadIndexReply
        {
            From = default, To = default, Term = default, ReadId = 0x1234, Index = new LogIndex(9),
        }), "01 0A H 3412000000000000 0900000000000000"),
        (Of(new TimeoutNow { From = default, To = default, Term = default }), "01 0B H"),
    ];

    public static TheoryData<int> Messages() => [.. Enumerable.Range(0, Golden.Length)];

    [Theory]
    [MemberData(nameof(Messages))]
    public void Messages_have_these_bytes(int which)
    {
        var (message, hex) = Golden[which];
        var bytes = Hex(hex.Replace("H", Head, StringComparison.Ordinal));
        Assert.Equal(Convert.ToHexString(bytes), Convert.ToHexString(Write(message)));
        Assert.True(RaftCodec.TryReadMessage(bytes, out var read, out var fault), fault);
        Assert.Equal(message.GetType(), read.GetType());
        Assert.Equal(bytes, Write(read));
        Assert.Equal(message.FromStore, read.FromStore);
    }

    [Fact]
    public void Every_kind_of_message_has_golden_bytes()
    {
        var kinds = typeof(RaftMessage).Assembly.GetTypes()
            .Where(type => type.IsSubclassOf(typeof(RaftMessage)))
            .Select(type => type.Name).Order(StringComparer.Ordinal);
        Assert.Equal(kinds, Golden.Select(g => g.Message.GetType().Name).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_configuration_has_these_bytes()
    {
        Assert.Equal(Convert.ToHexString(Hex(MembersBytes)), Convert.ToHexString(RaftCodec.Encode(Members)));
        Assert.True(RaftCodec.TryDecode(Hex(MembersBytes), out var read, out var fault), fault);
        Assert.Equal(Members, read);
        Assert.True(RaftCodec.TryDecode([1, 0], out var empty, out fault), fault);
        Assert.True(empty.IsEmpty);
    }

    /// <summary>The values are on disks and wires.</summary>
    [Fact]
    public void Kinds_and_roles_keep_their_values()
    {
        Assert.Equal([0, 1, 2], Enum.GetValues<EntryKind>().Select(kind => (int)kind));
        Assert.Equal([0, 1, 2, 3, 4], Enum.GetValues<MemberRole>().Select(role => (int)role));
        Assert.Equal(
            ["Command", "NoOp", "Configuration", "Voter", "Learner", "VoterIncoming", "VoterOutgoing", "VoterDemoting"],
            Enum.GetNames<EntryKind>().Concat(Enum.GetNames<MemberRole>()));
    }

    [Fact]
    public void Random_messages_survive()
    {
        var prng = new Prng(1);
        for (var i = 0; i < 20_000; i++)
        {
            var message = RandomMessages.Next(prng);
            var bytes = Write(message);
            Assert.True(RaftCodec.TryReadMessage(bytes, out var read, out var fault), fault);
            Assert.Equal(bytes, Write(read));
            Assert.True(Same(message, read), $"{message} came back as {read}");
        }
    }

    /// <summary>Whatever is read is exactly what would have been written: nothing is passed over or made up.</summary>
    [Theory]
    [MemberData(nameof(Messages))]
    public void Changed_and_cut_bytes_are_refused_or_mean_what_they_say(int which)
    {
        var original = Write(Golden[which].Message);
        for (var length = 0; length < original.Length; length++)
        {
            Assert.False(RaftCodec.TryReadMessage(original.AsMemory(0, length), out _, out var fault));
            Assert.NotNull(fault);
        }

        Assert.False(RaftCodec.TryReadMessage((byte[])[.. original, 0], out _, out _));
        for (var at = 0; at < original.Length; at++)
        {
            for (var value = 0; value < 256; value++)
            {
                var bytes = (byte[])original.Clone();
                bytes[at] = (byte)value;
                ReadsBoundedAndCanonical(bytes);
            }
        }
    }

    [Fact]
    public void Random_bytes_are_refused_or_mean_what_they_say()
    {
        var prng = new Prng(2);
        for (var i = 0; i < 50_000; i++)
        {
            var bytes = new byte[prng.NextInt32(200)];
            prng.Fill(bytes);
            if (bytes.Length > 2 && prng.Chance(0.9))
            {
                (bytes[0], bytes[1]) = (1, (byte)prng.NextInt32(1, 12));
            }

            ReadsBoundedAndCanonical(bytes);
        }
    }

    [Theory]
    [InlineData("01 02 0200000000000000 0000000000000000 00 00 0100000000000000 0000000000000000 00 00", "not by id")]
    [InlineData("01 02 0100000000000000 0000000000000000 00 00 0100000000000000 0000000000000000 00 00", "twice")]
    [InlineData("01 01 0000000000000000 0000000000000000 00 00", "zero")]
    [InlineData("01 01 0100000000000000 0000000000000000 05 00", "no such role")]
    [InlineData("01 01 0100000000000000 0000000000000000 00 01 FF", "no text")]
    [InlineData("02 00", "another version")]
    [InlineData("01 00 00", "more behind it")]
    [InlineData("01 01", "too short")]
    public void A_configuration_that_cannot_be_is_refused(string hex, string why)
    {
        Assert.False(RaftCodec.TryDecode(Hex(hex), out var read, out var fault), why);
        Assert.Null(read);
        Assert.NotNull(fault);
    }

    private static void ReadsBoundedAndCanonical(byte[] bytes)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var isRead = RaftCodec.TryReadMessage(bytes, out var message, out var fault);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.InRange(allocated, 0, (20 * bytes.Length) + 4096);
        Assert.Equal(isRead, fault == null);
        Assert.Equal(isRead, message != null);
        if (isRead)
        {
            Assert.Equal(bytes, Write(message!));
        }
    }

    private static T Of<T>(T message)
        where T : RaftMessage =>
        message with
        {
            From = new MemberId(1),
            FromStore = new StoreId(0x102),
            To = new MemberId(3),
            Term = new Term(7)
        };

    private static EntryId Id(ulong term, ulong index) => new(new Term(term), new LogIndex(index));

    private static byte[] Hex(string text) => Convert.FromHexString(text.Replace(" ", "", StringComparison.Ordinal));

    private static byte[] Write(RaftMessage message)
    {
        var output = new ArrayBufferWriter<byte>();
        RaftCodec.WriteMessage(message, output);
        return output.WrittenSpan.ToArray();
    }

    // Lists and memories compare by reference in a record, so field by field.
    private static bool Same(object? a, object? b) => (a, b) switch
    {
        (null, null) => true,
        (ReadOnlyMemory<byte> x, ReadOnlyMemory<byte> y) => x.Span.SequenceEqual(y.Span),
        (IReadOnlyList<RaftEntry> x, IReadOnlyList<RaftEntry> y) =>
            x.Count == y.Count && x.Zip(y).All(pair => Same(pair.First, pair.Second)),
        (RaftMessage or RaftEntry or SnapshotMeta, _) => a.GetType() == b?.GetType() && a.GetType()
            .GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .All(property => Same(property.GetValue(a), property.GetValue(b))),
        _ => Equals(a, b),
    };
}
