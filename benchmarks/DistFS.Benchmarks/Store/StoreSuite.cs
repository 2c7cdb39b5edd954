using System.Diagnostics;
using DistFS.Benchmarks.Raft;
using DistFS.Chunks;
using DistFS.Primitives;

namespace DistFS.Benchmarks.Store;

/// <summary>One chunk store on one disk: rates, and processor time per GiB, beside the disk's own syncs.</summary>
internal static class StoreSuite
{
    private const int Chunks = 8;
    private const int BlocksAtOnce = 16;
    private const int InFlight = 16;
    private const double MiB = 1 << 20;
    private const double GiB = 1 << 30;
    private static readonly ChunkVersion Version = new(1);

    public static async Task RunAsync(Report report, int rounds, TimeSpan duration, string folder)
    {
        Delete(folder);
        await using var store = RocksChunkStore.Open(new RocksChunkStoreOptions
        {
            Folder = folder,
            CreateIfMissing = true,
            ReserveBytes = 1 << 30,
        });
        await MeasureSequentialAsync(report, rounds, store);
        MeasureReads(report, rounds, duration, store);
        await MeasureOverwritesAsync(report, rounds, duration, store, folder);
    }

    /// <summary>Removes what is left of a run.</summary>
    public static void Delete(string folder)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task MeasureSequentialAsync(Report report, int rounds, RocksChunkStore store)
    {
        var writes = Enumerable.Range(0, ChunkLayout.BlocksMax / BlocksAtOnce).Select(Pieces).ToArray();
        var (rate, synced, cpu) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = 0; round <= rounds; round++)
        {
            var before = Cpu();
            var watch = Stopwatch.StartNew();
            var until = TimeSpan.Zero;
            for (var i = 0; i < Chunks; i++)
            {
                var chunk = new ChunkId((ulong)((round * Chunks) + i + 1));
                await store.CreateAsync(chunk, Version, default);
                foreach (var pieces in writes)
                {
                    await store.WriteAsync(chunk, Version, pieces, false, default);
                }
            }

            until = watch.Elapsed;
            for (var i = 0; i < Chunks; i++)
            {
                await store.SyncAsync(new ChunkId((ulong)((round * Chunks) + i + 1)), Version, default);
            }

            if (round > 0)
            {
                const double Bytes = (double)Chunks * ChunkLayout.ChunkBytes;
                rate.Add(Bytes / MiB / until.TotalSeconds);
                synced.Add(Bytes / MiB / watch.Elapsed.TotalSeconds);
                cpu.Add((Cpu() - before).TotalSeconds / (Bytes / GiB));
                await DeleteAsync(store, round - 1);
            }
        }

        report.Add("sequential write, until the store has it", "MiB/s", rate);
        report.Add("sequential write, until it is on disk", "MiB/s", synced);
        var perGiB = report.Add("sequential write, processor time", "s/GiB", cpu);
        report.AddRatio("sequential write (GB/s of one core)", GiB / 1e9 / perGiB, atLeast: 1.5);
    }

    private static void MeasureReads(Report report, int rounds, TimeSpan duration, RocksChunkStore store)
    {
        var first = (ulong)(rounds * Chunks) + 1;
        var (rate, cpu, random) = (new List<double>(), new List<double>(), new List<double>());
        var prng = new Prng(1);
        var piece = new byte[PieceHeader.Bytes + 4096];
        for (var round = 0; round <= rounds; round++)
        {
            var before = Cpu();
            var watch = Stopwatch.StartNew();
            var bytes = 0L;
            for (var i = 0; watch.Elapsed < duration; i++)
            {
                var at = i % (Chunks * ChunkLayout.BlocksMax / BlocksAtOnce);
                var chunk = new ChunkId(first + (ulong)(at * BlocksAtOnce / ChunkLayout.BlocksMax));
                var block = new BlockIndex((uint)(at * BlocksAtOnce % ChunkLayout.BlocksMax));
                using var blocks = store.Read(chunk, Version, block, BlocksAtOnce);
                bytes += blocks.TotalBytes;
            }

            var seconds = watch.Elapsed.TotalSeconds;
            var used = (Cpu() - before).TotalSeconds;
            watch.Restart();
            var count = 0;
            for (; watch.Elapsed < duration; count++)
            {
                var chunk = new ChunkId(first + (ulong)prng.NextInt32(Chunks));
                var block = new BlockIndex((uint)prng.NextInt32(ChunkLayout.BlocksMax));
                using var blocks = store.Read(chunk, Version, block, 1);
                var fault = BlockCodec.EncodeRange(
                    block, blocks.Pieces, prng.NextInt32(16) * 4096, 4096, piece, out _);
                Check.That(fault == PieceFault.None);
            }

            if (round > 0)
            {
                rate.Add(bytes / MiB / seconds);
                cpu.Add(used / (bytes / GiB));
                random.Add(count / watch.Elapsed.TotalSeconds);
            }
        }

        report.Add("sequential read from the page cache, one thread", "MiB/s", rate);
        report.Add("sequential read, processor time", "s/GiB", cpu);
        report.Add("4 KiB random reads, verified, one thread", "reads/s", random);
    }

    private static async Task MeasureOverwritesAsync(
        Report report, int rounds, TimeSpan duration, RocksChunkStore store, string folder)
    {
        var (disk, rate) = (new List<double>(), new List<double>());
        for (var round = 0; round <= rounds; round++)
        {
            var syncs = DiskProbe.Run(folder + "-probe", 4096, duration).Count / duration.TotalSeconds;
            var watch = Stopwatch.StartNew();
            var first = (ulong)(rounds * Chunks) + 1;
            var counts = await Task.WhenAll(Enumerable.Range(0, InFlight).Select(
                writer => Task.Run(() => OverwriteAsync(store, first, writer, watch, duration))));
            if (round > 0)
            {
                disk.Add(syncs);
                rate.Add(counts.Sum() / watch.Elapsed.TotalSeconds);
            }
        }

        Delete(folder + "-probe");
        var reference = report.Add("disk: 4 KiB and fdatasync", "syncs/s", disk);
        var median = report.Add($"4 KiB durable overwrites, {InFlight} in flight", "writes/s", rate);
        report.AddRatio("durable overwrites / fdatasync", median / reference, atLeast: 0.6);
    }

    private static async Task<int> OverwriteAsync(
        RocksChunkStore store, ulong first, int writer, Stopwatch watch, TimeSpan duration)
    {
        var prng = new Prng((ulong)writer + 1);
        var content = new byte[4096];
        prng.Fill(content);
        var piece = new byte[PieceHeader.Bytes + content.Length];
        var count = 0;
        for (; watch.Elapsed < duration; count++)
        {
            var length = BlockCodec.EncodePatch(
                new BlockIndex((uint)prng.NextInt32(ChunkLayout.BlocksMax)), prng.NextInt32(16) * 4096, content, piece);
            var chunk = new ChunkId(first + (ulong)prng.NextInt32(Chunks));
            await store.WriteAsync(chunk, Version, piece.AsMemory(0, length), true, default);
        }

        return count;
    }

    private static byte[] Pieces(int write)
    {
        var pieces = new byte[BlocksAtOnce * BlockCodec.PieceBytesMax];
        var content = new byte[ChunkLayout.BlockBytes];
        for (var i = 0; i < BlocksAtOnce; i++)
        {
            var block = (uint)((write * BlocksAtOnce) + i);
            new Prng(block).Fill(content);
            BlockCodec.EncodeBlock(
                new BlockIndex(block), content, pieces.AsSpan(i * BlockCodec.PieceBytesMax, BlockCodec.PieceBytesMax));
        }

        return pieces;
    }

    private static ValueTask DeleteAsync(RocksChunkStore store, int round) => store.DeleteAsync(
        Enumerable.Range(0, Chunks)
            .Select(i => new ChunkDeletion(new ChunkId((ulong)((round * Chunks) + i + 1)), Version, default))
            .ToArray(),
        default);

    private static TimeSpan Cpu()
    {
        using var self = Process.GetCurrentProcess();
        return self.TotalProcessorTime;
    }
}
