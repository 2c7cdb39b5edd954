using DistFS.Metadata.Chunks;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Members;
using DistFS.Metadata.Servers;

namespace DistFS.Metadata.Tests.Rows;

/// <summary>The bytes of rows about content, chunks and servers.</summary>
public sealed class GoldenContentRowsTests
{
    private static readonly ChunkRow Chunk = new()
    {
        State = ChunkState.Sealed,
        Goal = 3,
        Version = new ChunkVersion(4),
        Length = 5,
        References = 6,
        Written = new ChunkVersion(2),
        ChangedAt = new LogIndex(8),
        Replicas = new ServerId[] { new(9), new(0x0A0B) },
    };

    [Fact]
    public void Content()
    {
        var bytes = ContentRow.Write("ab"u8);
        Assert.Equal("016162", Hex(bytes));
        Assert.Equal("ab"u8.ToArray(), ContentRow.Read(bytes).ToArray());
        Assert.Throws<RowFormatException>(() => ContentRow.Read([]));
        Assert.Throws<RowFormatException>(() => ContentRow.Read([2]));
    }

    [Fact]
    public void A_place_of_a_file()
    {
        var bytes = new byte[MapRow.SizeBytes];
        var row = new MapRow(new ChunkId(1), 0x02000003, new ChunkId(4));
        row.Write(bytes);
        Assert.Equal("01000000" + "03000002" + "0100000000000000" + "0400000000000000", Hex(bytes));
        Assert.Equal(row, MapRow.Read(bytes));
        Refused(bytes, 0, 2, static bytes => MapRow.Read(bytes));
        Refused(bytes, 7, 5, static bytes => MapRow.Read(bytes));
        Assert.Throws<RowFormatException>(() => MapRow.Read(bytes.AsSpan(1)));
        bytes.AsSpan(8).Clear();
        Assert.Throws<RowFormatException>(() => MapRow.Read(bytes));
    }

    [Fact]
    public void A_chunk()
    {
        var bytes = Chunk.Write();
        Assert.Equal("01020302" + "04000000" + "05000000" + "06000000" + "02000000" + "00000000" + "0800000000000000"
            + "00000000" + "09000000" + "0b0a0000", Hex(bytes));
        var read = ChunkRow.Read(bytes);
        Assert.Equal(Chunk with { Replicas = read.Replicas }, read);
        Assert.Equal(Chunk.Replicas.ToArray(), read.Replicas.ToArray());

        // Format, state, number of replicas, length, and no version and no references.
        Refused(bytes, 0, 0, static bytes => ChunkRow.Read(bytes));
        Refused(bytes, 1, 3, static bytes => ChunkRow.Read(bytes));
        Refused(bytes, 3, 1, static bytes => ChunkRow.Read(bytes));
        Refused(bytes, 3, 17, static bytes => ChunkRow.Read(bytes));
        Refused(bytes, 11, 5, static bytes => ChunkRow.Read(bytes));
        Refused(bytes, 4, 0, static bytes => ChunkRow.Read(bytes));
        Refused(bytes, 12, 0, static bytes => ChunkRow.Read(bytes));
        Refused(bytes, 20, 4, static bytes => ChunkRow.Read(bytes));

        // As many versions as there were, the first of which a client began.
        Refused(bytes, 21, 4, static bytes => ChunkRow.Read(bytes));
        bytes = (Chunk with { AnyRack = true }).Write();
        Assert.Equal((1, 0), (bytes[20], bytes[21]));
        Assert.True(ChunkRow.Read(bytes).AnyRack);
        bytes = (Chunk with { IsUntold = true }).Write();
        Assert.Equal((2, 0), (bytes[20], bytes[21]));
        Assert.True(ChunkRow.Read(bytes).IsUntold);
        bytes = (Chunk with { Kept = 3 }).Write();
        Assert.Equal((0, 3), (bytes[20], bytes[21]));
        Assert.Equal(3, ChunkRow.Read(bytes).Kept);
        bytes = (Chunk with { DecidedIn = new ChunkVersion(3) }).Write();
        Assert.Equal(3, bytes[32]);
        Assert.Equal(3u, ChunkRow.Read(bytes).DecidedIn.Value);
        Refused(bytes, 32, 5, static bytes => ChunkRow.Read(bytes));
        bytes = (Chunk with { Lacking = 1 }).Write();
        Assert.Equal((1, 0), (bytes[22], bytes[23]));
        Assert.True(ChunkRow.Read(bytes).Lacks(Chunk.Replicas.Span[0]));

        var unclean = (Chunk with { UncleanBytes = (uint[])[7, ChunkRow.Clean] }).Write();
        Assert.Equal((2, Chunk.Write().Length + 8), (unclean[0], unclean.Length));
        Assert.Equal("07000000" + "ffffffff", Hex(unclean.AsSpan()[^8..]));
        Assert.Equal([7, ChunkRow.Clean], ChunkRow.Read(unclean).UncleanBytes.ToArray());
        Assert.Throws<RowFormatException>(() => ChunkRow.Read(unclean.AsSpan(0, unclean.Length - 4)));

        // Of a replica that is none.
        Refused(bytes, 22, 4, static bytes => ChunkRow.Read(bytes));
        Refused(bytes, 23, 1, static bytes => ChunkRow.Read(bytes));
        Assert.Throws<RowFormatException>(() => ChunkRow.Read(bytes.AsSpan(0, 35)));
    }

    [Fact]
    public void What_a_truncation_left()
    {
        var bytes = new byte[TrimRow.SizeBytes];
        var row = new TrimRow(1, 2, new ChunkId(3));
        row.Write(bytes);
        Assert.Equal("0100000000000000" + "0100000000000000" + "0200000000000000" + "0300000000000000", Hex(bytes));
        Assert.Equal(row, TrimRow.Read(bytes));
        Refused(bytes, 0, 2, static bytes => TrimRow.Read(bytes));
    }

    [Fact]
    public void Garbage()
    {
        var bytes = new byte[GarbageRow.SizeBytes];
        var row = new GarbageRow(new ChunkVersion(2), new LogIndex(3), new CopyId(4));
        row.Write(bytes);
        Assert.Equal("01000000" + "02000000" + "0300000000000000" + "0400000000000000", Hex(bytes));
        Assert.Equal(row, GarbageRow.Read(bytes));
        Refused(bytes, 0, 2, static bytes => GarbageRow.Read(bytes));
    }

    [Fact]
    public void A_server()
    {
        var row = new ServerRow(ServerState.Down, ServerState.Draining, new StoreId(4), 5, 6, "a:1", "é");
        var bytes = row.Write();
        Assert.Equal("0103030202000000" + "0400000000000000" + "0500000000000000" + "0600000000000000"
            + "613a31" + "c3a9", Hex(bytes));
        Assert.Equal(row, ServerRow.Read(bytes));
        Refused(bytes, 0, 2, static bytes => ServerRow.Read(bytes));
        Refused(bytes, 1, 5, static bytes => ServerRow.Read(bytes));
        Refused(bytes, 4, 0, static bytes => ServerRow.Read(bytes));
        Refused(bytes, 5, 2, static bytes => ServerRow.Read(bytes));
        Refused(bytes, 2, 4, static bytes => ServerRow.Read(bytes));
        bytes = (row with { IsThrough = true }).Write();
        Assert.Equal(1, bytes[5]);
        Assert.True(ServerRow.Read(bytes).IsThrough);
    }

    [Fact]
    public void A_metaserver()
    {
        var row = new MemberRow(new StoreId(4), "a:é", IsRemoved: true);
        var bytes = row.Write();
        Assert.Equal("0101040000000000" + "0400000000000000" + "613ac3a9", Hex(bytes));
        Assert.Equal(row, MemberRow.Read(bytes));
        Refused(bytes, 0, 2, static bytes => MemberRow.Read(bytes));
        Refused(bytes, 1, 2, static bytes => MemberRow.Read(bytes));
        Refused(bytes, 2, 5, static bytes => MemberRow.Read(bytes));
    }

    [Fact]
    public void Where_the_chunks_of_an_inode_end()
    {
        var row = new InodeRow { Kind = InodeKind.File, Mode = 0, Uid = 0, Gid = 0, Links = 1, ChunkEnd = 0x0102 };
        var bytes = new byte[InodeRow.SizeBytes];
        row.Write(bytes);
        Assert.Equal("0201000000000000" + new string('0', 32), Hex(bytes.AsSpan(112)));
        Assert.Equal(row, InodeRow.Read(bytes));
    }

    private static void Refused(byte[] bytes, int at, byte value, Action<byte[]> read)
    {
        var wrong = (byte[])bytes.Clone();
        wrong[at] = value;
        Assert.Throws<RowFormatException>(() => read(wrong));
    }

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);
}
