using DistFS.Metadata.Rows;
using DistFS.Metadata.Sessions;
using DistFS.Metadata.Store;

namespace DistFS.Metadata.Tests.Sessions;

/// <summary>Replies are there until they are acknowledged, whether they lie in the session's row or apart.</summary>
public sealed class SessionTableTests
{
    private static readonly ClientId Client = new(7);

    private readonly MemoryStore _store = new();

    /// <summary>Against a list of what was executed: of sizes around what a row takes, acknowledged late.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void What_was_executed_is_known_and_nothing_else(uint seed)
    {
        var prng = new Prng(seed);
        var changes = new Changes(_store, knownMax: 64);
        var table = new SessionTable(changes);
        Assert.Equal(Client, Open(table, 1_000));
        var saved = new Dictionary<ulong, (ulong Digest, byte[] Reply)>();
        var acknowledged = 0ul;
        for (var step = 0; step < 3_000; step++)
        {
            var sequence = acknowledged + 1 + (ulong)prng.NextInt32(12);
            var (state, reply) = Look(table, sequence, Digest(sequence));
            Assert.Equal(saved.TryGetValue(sequence, out var known) ? known.Reply : null, reply);
            Assert.Equal(reply == null ? RequestState.New : RequestState.Repeated, state);
            if (reply == null)
            {
                var made = new byte[prng.Chance(0.2) ? prng.NextInt32(600) : prng.NextInt32(80)];
                made.AsSpan().Fill((byte)sequence);
                var claim = acknowledged + (prng.Chance(0.4) ? (ulong)prng.NextInt32(14) : 0);
                table.Executed(Client, new SequenceNumber(sequence), claim, Digest(sequence), made, default);
                saved.Add(sequence, (Digest(sequence), made));
                acknowledged = Math.Max(acknowledged, Math.Min(claim, sequence - 1));
                foreach (var old in saved.Keys.Where(key => key <= acknowledged).ToList())
                {
                    saved.Remove(old);
                }
            }
            else
            {
                Assert.Equal(RequestState.Different, Look(table, sequence, Digest(sequence) + 1).State);
            }

            if (acknowledged > 0)
            {
                Assert.Equal(RequestState.Stale, Look(table, acknowledged, 0).State);
            }

            Somehow(prng, table, changes);
        }

        Assert.True(table.End(Client));
        changes.Keep();
        changes.Flush();
        Assert.Empty(_store.Rows);
    }

    /// <summary>What one request at a time costs: the session's row, and no other.</summary>
    [Fact]
    public void A_client_with_one_request_under_way_has_one_row()
    {
        var changes = new Changes(_store);
        var table = new SessionTable(changes);
        Assert.Equal(Client, Open(table, 1_000));
        for (var sequence = 1ul; sequence < 100; sequence++)
        {
            table.Executed(Client, new SequenceNumber(sequence), sequence - 1, 1, new byte[62], default);
            changes.Keep();
            changes.Flush();
            Assert.Single(_store.Rows, IsOfSession);
        }

        // And one that was written once, of its call.
        Assert.Equal(2, _store.Count);
    }

    /// <summary>The bytes of a row, which folders and snapshots have.</summary>
    [Fact]
    public void A_row_with_a_reply_is_written_as_it_always_was()
    {
        var changes = new Changes(_store);
        var table = new SessionTable(changes);
        Assert.Equal(Client, table.Open(7, new LogIndex(7), 0x1234, default, usesLeases: true));
        table.Executed(Client, new SequenceNumber(3), 2, 0xABCD, [0xEE, 0xFF], new FileTime(5, 6));
        changes.Keep();
        changes.Flush();
        Assert.Equal(
            "0101000000000000" + "3412000000000000" + "0200000000000000" + "050000000000000006000000"
                + "0000000000000000" + "0700000000000000"
                + "0300000000000000" + "cdab000000000000" + "0200" + "eeff",
            Convert.ToHexStringLower(Assert.Single(_store.Rows, IsOfSession).Value));
        Assert.Equal(
            ("6f0000000000000007", "0700000000000000"),
            Assert.Single(_store.Rows.Where(static row => !IsOfSession(row)).Select(static row =>
                (Convert.ToHexStringLower(row.Key), Convert.ToHexStringLower(row.Value)))));
    }

    [Theory]
    [InlineData("0100000000000000")]
    [InlineData("01000000000000000200000000000000ffff00")]
    public void Replies_that_cannot_be_read_end_the_member(string hex)
    {
        var bytes = Convert.FromHexString(hex);
        Assert.Throws<RowFormatException>(() => new SavedReplies(bytes).TryFind(9, out _, out _));
        Assert.Throws<RowFormatException>(() => new SavedReplies(bytes).BytesAfter(0));
    }

    private static ulong Digest(ulong sequence) => sequence * 3;

    private static bool IsOfSession(KeyValuePair<byte[], byte[]> row) => row.Key[0] == (byte)RowTable.Session;

    private static ClientId Open(SessionTable table, ulong leaseMs) =>
        table.Open(Client.Value, new LogIndex(Client.Value), leaseMs, default);

    private static (RequestState State, byte[]? Reply) Look(SessionTable table, ulong sequence, ulong digest) =>
        (table.Look(Client, new SequenceNumber(sequence), digest, out var reply), reply);

    private static void Somehow(Prng prng, SessionTable table, Changes changes)
    {
        if (prng.Chance(0.1))
        {
            Assert.True(table.Hear(Client, default));
        }

        if (prng.Chance(0.05))
        {
            Assert.Equal(Client, Open(table, 2_000));
        }

        changes.Keep();
        if (prng.Chance(0.3))
        {
            changes.Flush();
        }
    }
}
