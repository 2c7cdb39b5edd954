using DistFS.Blocks;
using DistFS.Chunks;

namespace DistFS.Chunkserver.Tests;

/// <summary>Content of chunks, and what stores have of it.</summary>
internal static class Pieces
{
    /// <summary>Whole blocks that do not compress well, drawn from a seed.</summary>
    public static byte[] Blocks(ulong seed, uint first, int count)
    {
        var prng = new Prng(seed);
        var content = new byte[ChunkLayout.BlockBytes];
        var pieces = new byte[count * BlockCodec.PieceBytesMax];
        var length = 0;
        for (var i = 0u; i < count; i++)
        {
            for (var at = 0; at < content.Length; at += 8)
            {
                BitConverter.TryWriteBytes(content.AsSpan(at), prng.NextUInt64());
            }

            length += BlockCodec.EncodeBlock(new BlockIndex(first + i), content, pieces.AsSpan(length));
        }

        return pieces[..length];
    }

    /// <summary>A chunk that serves, with so many blocks of a seed; durable.</summary>
    public static async Task WriteAsync(
        this IChunkStore store, ulong chunk, uint version, ulong seed, int blocks, uint first = 0)
    {
        await store.CreateAsync(new ChunkId(chunk), new ChunkVersion(version), default);
        await store.AppendAsync(chunk, version, seed, blocks, first);
    }

    public static async Task AppendAsync(
        this IChunkStore store, ulong chunk, uint version, ulong seed, int blocks, uint first = 0)
    {
        for (var at = 0; at < blocks; at += 32)
        {
            var count = Math.Min(32, blocks - at);
            await store.WriteAsync(
                new ChunkId(chunk),
                new ChunkVersion(version),
                Blocks(seed + (ulong)at, first + (uint)at, count),
                isDurable: true,
                default);
        }
    }

    /// <summary>All that a store has of a chunk, as it is stored.</summary>
    public static byte[] Stored(this IChunkStore store, ulong chunk, uint version)
    {
        Assert.True(store.TryGet(new ChunkId(chunk), out var info));
        var all = new List<byte>();
        for (var first = 0u; first < ChunkLayout.BlocksOf(info.Length); first += 16)
        {
            using var found = store.Read(new ChunkId(chunk), new ChunkVersion(version), new BlockIndex(first), 16);
            foreach (var piece in found.Pieces)
            {
                all.AddRange(piece.Bytes.Span);
            }
        }

        return [.. all];
    }

    public static ChunkInfo? Find(this IChunkStore store, ulong chunk) =>
        store.TryGet(new ChunkId(chunk), out var info) ? info : null;
}
