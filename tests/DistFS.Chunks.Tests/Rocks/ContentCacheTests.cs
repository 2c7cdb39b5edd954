using static DistFS.Chunks.Tests.StoreCalls;

namespace DistFS.Chunks.Tests.Rocks;

/// <summary>Small reads of what is in memory (docs/design/chunk-store.md, "Contents in memory").</summary>
public sealed class ContentCacheTests
{
    private const int Page = 4 << 10;

    private static readonly ChunkId Chunk = new(1);
    private static readonly BlockRange Second = new(new BlockIndex(0), Page, Page);

    [Fact]
    public async Task A_block_that_is_asked_for_again_is_at_hand()
    {
        await using var fixture = Create(4);
        var bytes = await FillAsync(fixture);

        Assert.Null(AtHand(fixture, Second));
        Assert.Equal(bytes[Page..(2 * Page)], Read(fixture, Second));
        Assert.Null(AtHand(fixture, Second));
        Assert.Equal(bytes[Page..(2 * Page)], Read(fixture, Second));
        Assert.Equal(bytes[Page..(2 * Page)], AtHand(fixture, Second));
        Assert.Equal(bytes[5..6_000], AtHand(fixture, new BlockRange(new BlockIndex(0), 5, 5_995)));
        Assert.Equal(bytes, AtHand(fixture, new BlockRange(new BlockIndex(0), 0, ChunkLayout.BlockBytes)));
    }

    [Fact]
    public async Task What_was_never_written_is_zeros_at_hand()
    {
        await using var fixture = Create(4);
        await FillAsync(fixture);

        var beyond = new BlockRange(new BlockIndex(7), 0, Page);
        Assert.Equal(new byte[Page], AtHand(fixture, beyond));
    }

    [Fact]
    public async Task A_change_of_the_block_is_seen_at_once()
    {
        await using var fixture = Create(4);
        var bytes = await FillAsync(fixture);
        Warm(fixture);

        var patch = Content.Random(2, 10);
        await fixture.Store.WriteAsync(Chunk, isDurable: false, Content.Patch(0, Page, patch));
        Assert.Null(AtHand(fixture, Second));
        patch.CopyTo(bytes, Page);
        Assert.Equal(bytes[Page..(2 * Page)], Read(fixture, Second));
        Assert.Equal(bytes[Page..(2 * Page)], AtHand(fixture, Second));

        await fixture.Store.PunchAsync(Chunk, V1, Page, Page, isDurable: false, default);
        Assert.Equal(new byte[Page], Read(fixture, Second));
        await fixture.Store.TruncateAsync(Chunk, V1, 0, isDurable: false, default);
        Assert.Equal(new byte[Page], AtHand(fixture, Second));
    }

    [Fact]
    public async Task A_change_of_another_block_leaves_it()
    {
        await using var fixture = Create(4);
        var bytes = await FillAsync(fixture);
        Warm(fixture);

        await fixture.Store.WriteAsync(Chunk, isDurable: false, Content.Block(1, Content.Random(2, 100)));
        Assert.Equal(bytes[Page..(2 * Page)], AtHand(fixture, Second));
    }

    [Fact]
    public async Task A_chunk_that_is_made_again_is_not_the_one_before()
    {
        await using var fixture = Create(4);
        await fixture.Store.CreateAsync(Chunk, V1, default);
        await fixture.Store.WriteAsync(Chunk, isDurable: true, Content.Block(0, Content.Random(1, 3 * Page)));
        Warm(fixture);

        await fixture.Store.DeleteAsync(Chunk, version: 1);
        Assert.Null(AtHand(fixture, Second));
        await fixture.Store.CreateAsync(Chunk, V1, default);
        var bytes = Content.Random(2, 3 * Page);
        await fixture.Store.WriteAsync(Chunk, isDurable: true, Content.Block(0, bytes));
        Assert.Equal(bytes[Page..(2 * Page)], Read(fixture, Second));
    }

    [Fact]
    public async Task An_older_version_is_not_at_hand_and_a_newer_one_keeps_what_is()
    {
        await using var fixture = Create(4);
        var bytes = await FillAsync(fixture);
        Warm(fixture);

        await fixture.Store.BeginAsync(Chunk, V2, ChunkLayout.BlockBytes);
        Assert.Null(AtHand(fixture, Second));
        Assert.Equal(bytes[Page..(2 * Page)], AtHand(fixture, Second, V2));
    }

    [Fact]
    public async Task A_copy_that_is_lost_is_not_at_hand()
    {
        await using var fixture = Create(4);
        await FillAsync(fixture);
        Warm(fixture);

        await fixture.Store.MarkLostAsync(Chunk, V1, FsStatus.Corrupt, default);
        Assert.Null(AtHand(fixture, Second));
        Refused(ErrorCatalog.ChunkLost, () => Read(fixture, Second));
    }

    [Fact]
    public async Task Memory_that_went_bad_is_found_by_the_reader_or_here()
    {
        await using var fixture = Create(4);
        var bytes = await FillAsync(fixture);
        var cache = fixture.Options.Contents!;
        var key = new ContentKey(1, Chunk, new BlockIndex(0));
        Warm(fixture);

        // Whole pages are sent with the checksum that they had.
        Assert.True(cache.Damage(key, Page + 7));
        var piece = new byte[PieceHeader.Bytes + Page];
        var read = fixture.Store.ReadRange(Chunk, V1, Second, isAtHand: true, piece);
        Assert.Equal(PieceFault.Checksum, BlockCodec.Verify(piece.AsSpan(0, read.Bytes), out _));

        // Who reports it makes it read again.
        fixture.Store.Forget(Chunk, new BlockIndex(0));
        Assert.Null(AtHand(fixture, Second));
        Assert.Equal(bytes[Page..(2 * Page)], Read(fixture, Second));

        // Parts of pages are looked at here.
        Assert.True(cache.Damage(key, (2 * Page) - 1));
        var part = new BlockRange(new BlockIndex(0), Page + 1, 10);
        Assert.Null(AtHand(fixture, part));
        Assert.Equal(bytes[(Page + 1)..(Page + 11)], Read(fixture, part));
        Assert.Equal(bytes[(Page + 1)..(Page + 11)], AtHand(fixture, part));
    }

    [Fact]
    public async Task Damage_on_the_disk_is_not_kept()
    {
        await using var fixture = Create(4);
        var piece = Content.Block(0, Content.Random(1, 3 * Page));
        await fixture.Store.CreateAsync(Chunk, V1, default);
        var bytes = Join(piece);
        bytes[^1] ^= 1;
        var key = new ContentKey(1, Chunk, new BlockIndex(0));
        var patch = new byte[PieceHeader.Bytes + Page];
        for (var i = 0; i < 3; i++)
        {
            var fault = fixture.Options.Contents!.Encode(
                key, new BlockPlan(1, null), Second, [piece with { Bytes = bytes }], patch, out var written);
            Assert.Equal((PieceFault.Checksum, 0), (fault, written));
            Assert.Equal(0, fixture.Options.Contents!.Count);
        }
    }

    [Fact]
    public async Task It_has_no_more_than_it_may()
    {
        await using var fixture = Create(4);
        await fixture.Store.CreateAsync(Chunk, V1, default);
        for (var block = 0u; block < 16; block++)
        {
            await fixture.Store.WriteAsync(
                Chunk, isDurable: false, Content.Block(block, Content.Random(block, ChunkLayout.BlockBytes)));
        }

        for (var i = 0; i < 64; i++)
        {
            var block = (uint)(i % 16);
            var range = new BlockRange(new BlockIndex(block), 100, 200);
            var bytes = Content.Random(block, ChunkLayout.BlockBytes);
            Assert.Equal(bytes[100..300], AtHand(fixture, range) ?? Read(fixture, range));
            Assert.InRange(fixture.Options.Contents!.Count, 0, 4);
        }
    }

    [Fact]
    public async Task Stores_that_share_it_have_their_own()
    {
        await using var fixture = Create(4);
        await using var other = RocksFixture.Create(options => options with { Contents = fixture.Options.Contents });
        var bytes = await FillAsync(fixture);
        await other.Store.CreateAsync(Chunk, V1, default);
        await other.Store.WriteAsync(
            Chunk, isDurable: false, Content.Block(0, Content.Random(9, ChunkLayout.BlockBytes)));
        Warm(fixture);
        Warm(other);

        Assert.Equal(bytes[Page..(2 * Page)], AtHand(fixture, Second));
        Assert.Equal(Content.Random(9, ChunkLayout.BlockBytes)[Page..(2 * Page)], AtHand(other, Second));
    }

    private static RocksFixture Create(int frames) => RocksFixture.Create(
        options => options with { Contents = new ContentCache(frames * ChunkLayout.BlockBytes) });

    private static async Task<byte[]> FillAsync(RocksFixture fixture)
    {
        var bytes = Content.Random(1, ChunkLayout.BlockBytes);
        await fixture.Store.CreateAsync(Chunk, V1, default);
        await fixture.Store.WriteAsync(Chunk, isDurable: false, Content.Block(0, bytes));
        return bytes;
    }

    private static void Warm(RocksFixture fixture)
    {
        _ = (Read(fixture, Second), Read(fixture, Second));
        Assert.NotNull(AtHand(fixture, Second));
    }

    private static byte[]? AtHand(RocksFixture fixture, BlockRange range, ChunkVersion? version = null) =>
        fixture.Store.Range(Chunk, version ?? V1, range, isAtHand: true);

    private static byte[] Read(RocksFixture fixture, BlockRange range) =>
        fixture.Store.Range(Chunk, V1, range, isAtHand: false)!;
}
