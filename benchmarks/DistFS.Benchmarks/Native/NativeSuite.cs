using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using DistFS.Native;
using DistFS.Native.RocksDb;
using DistFS.Primitives;
using RocksDb = DistFS.Native.RocksDb.RocksDb;

namespace DistFS.Benchmarks.Native;

/// <summary>
/// Checksums and compression in memory; RocksDB beside the disk's own sequential write of the same bytes. Everything of
/// a figure alternates with its reference, round by round.
/// </summary>
internal static class NativeSuite
{
    private const int BlockBytes = 64 << 10;
    private const int ChunkBytes = 64 << 20;
    private const int Chunks = 8;
    private const double MiB = 1 << 20;
    private const double GiB = 1 << 30;

    public static void Run(Report report, int rounds, TimeSpan duration, string folder)
    {
        Directory.CreateDirectory(folder);
        MeasureChecksum(report, rounds, duration);
        MeasureCompression(report, rounds, duration);
        MeasureIngest(report, rounds, folder);
        MeasurePinnedGet(report, rounds, duration, folder);
    }

    private static void MeasureChecksum(Report report, int rounds, TimeSpan duration)
    {
        var block = RandomBlock(1);
        var rates = Rounds(rounds, duration, BlockBytes / 1e9, () => Crc32C.Compute(block));
        var median = report.Add($"CRC-32C of 64 KiB ({Crc32C.Implementation})", "GB/s", rates);
        report.AddRatio("CRC-32C (GB/s)", median, atLeast: 5);
        report.Add(
            "CRC-32C of 64 KiB (software)", "GB/s",
            Rounds(rounds, duration, BlockBytes / 1e9, () => Crc32C.ComputeSoftware(block)));
    }

    private static void MeasureCompression(Report report, int rounds, TimeSpan duration)
    {
        var blocks = Enumerable.Range(0, 16).Select(i => HalfCompressibleBlock((ulong)i)).ToArray();
        var packed = blocks.Select(b => Pack<NativeLz4>(b)).ToArray();
        report.Add(
            "LZ4: stored size of the blocks", "%", [100.0 * packed.Sum(p => p.Length) / (blocks.Length * BlockBytes)]);
        var compress = (Native: new List<double>(), Managed: new List<double>());
        var decompress = (Native: new List<double>(), Managed: new List<double>());
        for (var round = 0; round <= rounds; round++)
        {
            Add(compress.Native, round, CompressRate<NativeLz4>(blocks, duration));
            Add(compress.Managed, round, CompressRate<ManagedLz4>(blocks, duration));
            Add(decompress.Native, round, DecompressRate<NativeLz4>(packed, duration));
            Add(decompress.Managed, round, DecompressRate<ManagedLz4>(packed, duration));
        }

        var nativeUp = report.Add($"LZ4 compress, liblz4 {NativeLz4.Version}", "MB/s", compress.Native);
        var managedUp = report.Add("LZ4 compress, managed", "MB/s", compress.Managed);
        var nativeDown = report.Add("LZ4 decompress, liblz4", "MB/s", decompress.Native);
        var managedDown = report.Add("LZ4 decompress, managed", "MB/s", decompress.Managed);
        report.AddRatio("LZ4 compress, managed / native", managedUp / nativeUp, atLeast: 0.4);
        report.AddRatio("LZ4 decompress, managed / native", managedDown / nativeDown, atLeast: 0.4);
    }

    private static void MeasureIngest(Report report, int rounds, string folder)
    {
        var cached = new List<double>();
        var direct = new List<double>();
        var ingest = new List<double>();
        var cpu = new List<double>();
        for (var round = 0; round <= rounds; round++)
        {
            Add(cached, round, DiskRate(folder, "conv=fsync"));
            Add(direct, round, DiskRate(folder, "conv=fsync oflag=direct"));
            var before = Process.GetCurrentProcess().TotalProcessorTime;
            Add(ingest, round, IngestRate(folder));
            Add(cpu, round, (Process.GetCurrentProcess().TotalProcessorTime - before).TotalMicroseconds
                / ((double)Chunks * ChunkBytes / GiB));
        }

        var reference = Math.Max(
            report.Add("disk: dd of 512 MiB, fsync at the end", "MiB/s", cached),
            report.Add("disk: the same, O_DIRECT", "MiB/s", direct));
        var rate = report.Add("RocksDB: ingest of 512 MiB in 64 KiB values", "MiB/s", ingest);
        report.Add("RocksDB: ingest, processor time", "us/GiB", cpu);
        report.AddRatio("RocksDB ingest / disk (the faster dd)", rate / reference, atLeast: 0.5);
    }

    /// <summary>dd writes random bytes that a file in memory holds, so that reading them costs it little.</summary>
    private static double DiskRate(string folder, string mode)
    {
        var source = Path.Combine("/dev/shm", $"distfs-bench-{Environment.ProcessId}");
        var target = Path.Combine(folder, "dd.out");
        try
        {
            using (var file = File.Create(source))
            {
                for (var i = 0; i < ChunkBytes / BlockBytes; i++)
                {
                    file.Write(RandomBlock((ulong)i));
                }
            }

            var watch = Stopwatch.StartNew();
            using var dd = Process.Start(new ProcessStartInfo(
                "sh",
                [
                    "-c",
                    $"for i in $(seq {Chunks}); do cat {source}; done | dd of={target} bs=1M iflag=fullblock {mode}",
                ])
            {
                UseShellExecute = false,
                RedirectStandardError = true,
            })!;
            dd.StandardError.ReadToEnd();
            dd.WaitForExit();
            return dd.ExitCode == 0
                ? Chunks * ChunkBytes / MiB / watch.Elapsed.TotalSeconds
                : throw new InvalidOperationException("dd failed");
        }
        finally
        {
            File.Delete(source);
            File.Delete(target);
        }
    }

    /// <summary>
    /// As a chunk server stores chunks that are written front to back: one sorted file each, then ingested.
    /// </summary>
    private static double IngestRate(string folder)
    {
        var path = Path.Combine(folder, "ingest");
        DeleteFolder(path);
        var blocks = Enumerable.Range(0, ChunkBytes / BlockBytes).Select(i => RandomBlock((ulong)i)).ToArray();
        var options = new ColumnFamilyOptions { Compression = Compression.None }.ForIngest();
        using (var db = Open(path, options))
        {
            var watch = Stopwatch.StartNew();
            Span<byte> key = stackalloc byte[12];
            for (var chunk = 0; chunk < Chunks; chunk++)
            {
                var file = Path.Combine(path, $"chunk{chunk}.tmp");
                using (var writer = new SstFileWriter(options))
                {
                    writer.Open(file);
                    for (var block = 0; block < blocks.Length; block++)
                    {
                        writer.Put(Key(key, chunk, block), blocks[block]);
                    }

                    writer.Finish();
                }

                db.IngestExternalFiles(db.DefaultColumnFamily, [file]);
            }

            var rate = Chunks * ChunkBytes / MiB / watch.Elapsed.TotalSeconds;
            using var last = db.GetPinned(db.DefaultColumnFamily, Key(key, Chunks - 1, blocks.Length - 1));
            Check.That(last.Found && last.Span.SequenceEqual(blocks[^1]));
            return rate;
        }
    }

    /// <summary>Values that the block cache holds: what is left is the call, and a copy would show.</summary>
    private static void MeasurePinnedGet(Report report, int rounds, TimeSpan duration, string folder)
    {
        var path = Path.Combine(folder, "ingest");
        using var cache = new BlockCache(256 << 20);
        using var db = Open(
            path, new ColumnFamilyOptions { Compression = Compression.None, BlockCache = cache }.ForIngest());
        var next = 0;
        void Get()
        {
            Span<byte> key = stackalloc byte[12];
            using var value = db.GetPinned(db.DefaultColumnFamily, Key(key, 0, next++ % 256));
            Check.That(value.Found && value.Span.Length == BlockBytes);
        }

        var copy = new byte[BlockBytes];
        void GetAndCopy()
        {
            Span<byte> key = stackalloc byte[12];
            using var value = db.GetPinned(db.DefaultColumnFamily, Key(key, 0, next++ % 256));
            value.Span.CopyTo(copy);
        }

        var pinned = report.Add("RocksDB: pinned get of 64 KiB, cached", "gets/s", Rounds(rounds, duration, 1, Get));
        var copied = report.Add("the same with one copy", "gets/s", Rounds(rounds, duration, 1, GetAndCopy));
        report.AddRatio("pinned get / pinned get and a copy", pinned / copied, atLeast: 1.1);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            Get();
        }

        report.AddRatio(
            "pinned get: allocated (B)", (GC.GetAllocatedBytesForCurrentThread() - before) / 1000.0, atMost: 0);
        db.Dispose();
        DeleteFolder(path);
    }

    private static RocksDb Open(string path, ColumnFamilyOptions options) => RocksDb.Open(
        new RocksDbOptions { CreateIfMissing = true },
        path,
        [new ColumnFamilyDescriptor(ColumnFamily.DefaultName, options)]);

    private static Span<byte> Key(Span<byte> key, int chunk, int block)
    {
        BinaryPrimitives.WriteUInt64BigEndian(key, (ulong)chunk);
        BinaryPrimitives.WriteUInt32BigEndian(key[8..], (uint)block);
        return key;
    }

    private static byte[] Pack<TCodec>(byte[] block)
        where TCodec : ILz4Codec
    {
        var target = new byte[Lz4.MaxCompressedLength(block.Length)];
        return target[..TCodec.Compress(block, target, 1)];
    }

    private static double CompressRate<TCodec>(byte[][] blocks, TimeSpan duration)
        where TCodec : ILz4Codec
    {
        var target = new byte[Lz4.MaxCompressedLength(BlockBytes)];
        var next = 0;
        return Rate(duration, BlockBytes / 1e6, () => TCodec.Compress(blocks[next++ % blocks.Length], target, 1));
    }

    private static double DecompressRate<TCodec>(byte[][] packed, TimeSpan duration)
        where TCodec : ILz4Codec
    {
        var target = new byte[BlockBytes];
        var next = 0;
        return Rate(
            duration,
            BlockBytes / 1e6,
            () => Check.That(TCodec.Decompress(packed[next++ % packed.Length], target) == BlockBytes));
    }

    /// <summary>The first round warms up and does not count.</summary>
    private static List<double> Rounds(int rounds, TimeSpan duration, double scale, Action operation)
    {
        var rates = new List<double>();
        for (var round = 0; round <= rounds; round++)
        {
            Add(rates, round, Rate(duration, scale, operation));
        }

        return rates;
    }

    private static double Rate(TimeSpan duration, double scale, Action operation)
    {
        var load = Load.Start(duration);
        while (load.Running)
        {
            operation();
            load.Count();
        }

        return load.PerSecond * scale;
    }

    private static void Add(List<double> rates, int round, double rate)
    {
        if (round > 0)
        {
            rates.Add(rate);
        }
    }

    private static byte[] RandomBlock(ulong seed)
    {
        var block = new byte[BlockBytes];
        new Prng(seed).Fill(block);
        return block;
    }

    /// <summary>Half of it random, half of it text of a log, in stretches of up to 512 bytes.</summary>
    private static byte[] HalfCompressibleBlock(ulong seed)
    {
        var prng = new Prng(seed);
        var block = new byte[BlockBytes];
        for (var at = 0; at < block.Length;)
        {
            var stretch = block.AsSpan(at, Math.Min(prng.NextInt32(64, 512), block.Length - at));
            if (prng.Chance(0.5))
            {
                prng.Fill(stretch);
            }
            else
            {
                var line = Encoding.ASCII.GetBytes(
                    $"2026-01-01T00:00:{prng.NextInt32(60):00}Z INFO chunk c{prng.NextInt32(9999)} ");
                for (var i = 0; i < stretch.Length; i++)
                {
                    stretch[i] = line[i % line.Length];
                }
            }

            at += stretch.Length;
        }

        return block;
    }

    private static void DeleteFolder(string path)
    {
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }
    }
}
