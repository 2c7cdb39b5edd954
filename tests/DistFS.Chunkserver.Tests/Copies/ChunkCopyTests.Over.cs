using DistFS.Blocks;
using DistFS.Chunks;

namespace DistFS.Chunkserver.Tests.Copies;

/// <content>Where a copy lies that counts for nothing, block by block.</content>
public sealed partial class ChunkCopyTests
{
    /// <summary>It has settled, or was mended, before the cluster knew: it counts, and hardly a byte comes.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task One_that_is_sealed_in_the_version_is_compared_and_counts(bool isDifferent)
    {
        await _there.WriteAsync(Chunk, 3, 1, 20);
        await _here.WriteAsync(Chunk, 3, 1, 20);
        if (isDifferent)
        {
            await _here.AppendAsync(Chunk, 3, 99, 1, first: 5);
            await _here.AppendAsync(Chunk, 3, 99, 1, first: 18);
        }

        await _here.SealAsync(new ChunkId(Chunk), new ChunkVersion(3), default);
        Assert.True(_here.Damage(new ChunkId(Chunk), new BlockIndex(7), 99));
        var copy = await CopyAsync(10, 3, 20 * ChunkLayout.BlockBytes, isOver: true);
        _here.Crash();
        var info = _here.Find(Chunk)!.Value;
        Assert.Equal((ChunkState.Serving, true, 10ul), (info.State, info.IsSealed, info.Copy.Value));
        Assert.Equal(_there.Stored(Chunk, 3), _here.Stored(Chunk, 3));
        Assert.Equal(isDifferent ? 17 : 19, copy.KeptBlocks);
    }

    /// <summary>
    /// It was sealed with other bytes than the chunk has by now: half made as the source's, it is nothing that could be
    /// taken for whole.
    /// </summary>
    [Fact]
    public async Task One_that_was_sealed_earlier_is_not_taken_for_whole_before_it_is()
    {
        await _here.WriteAsync(Chunk, 1, 7, 20);
        await _here.SealAsync(new ChunkId(Chunk), new ChunkVersion(1), default);
        await _there.WriteAsync(Chunk, 3, 1, 20);
        _source.Change = (request, pieces) => pieces[^1] ^= (byte)(request.FirstBlock == 5 ? 1 : 0);
        await Assert.ThrowsAnyAsync<DistFsException>(
            () => CopyAsync(10, 3, 20 * ChunkLayout.BlockBytes, isOver: true));
        Assert.False(_here.Find(Chunk)!.Value.IsSealed);

        // Nothing of it is given up: the next attempt has the rest to do.
        _source.Change = static (_, _) => { };
        var copy = await CopyAsync(11, 3, 20 * ChunkLayout.BlockBytes, isOver: true);
        Assert.True(_here.Find(Chunk)!.Value.IsSealed);
        Assert.Equal(_there.Stored(Chunk, 3), _here.Stored(Chunk, 3));
        Assert.Equal(5, copy.KeptBlocks);
    }
}
