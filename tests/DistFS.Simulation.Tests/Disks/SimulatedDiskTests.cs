using DistFS.Primitives;

namespace DistFS.Simulation.Tests.Disks;

/// <summary>
/// What a power failure may and may not do (Pillai et al., "All File Systems Are Not Created Equal", 2014).
/// </summary>
public sealed class SimulatedDiskTests
{
    private const int Sector = 512;
    private static readonly byte[] Old = Filled(4 * Sector, 1);
    private static readonly byte[] New = Filled(4 * Sector, 2);

    [Fact]
    public void WhatWasSyncedSurvives()
    {
        for (var seed = 0UL; seed < 50; seed++)
        {
            var disk = WithFile(seed, Old);
            disk.Crash();
            Assert.Equal(Old, Content(disk, "a"));
        }
    }

    [Fact]
    public void AnUnsyncedNameMayBeLostAndMaySurvive()
    {
        var outcomes = Outcomes(seed =>
        {
            var disk = new SimulatedDisk("d", new Prng(seed));
            using (var file = disk.Create("a"))
            {
                file.Write(0, Old);
                file.Sync();
            }

            disk.Crash();
            return disk.List().Count == 1;
        });
        Assert.Equal([false, true], outcomes);
    }

    [Fact]
    public void ARenameLeavesOneOfBothNamesUntilTheFolderIsSynced()
    {
        var outcomes = Outcomes(seed =>
        {
            var disk = WithFile(seed, Old);
            disk.Rename("a", "b");
            disk.Crash();
            return string.Join(' ', disk.List());
        });
        Assert.Equal(["a", "b"], outcomes);
    }

    [Fact]
    public void AReplacedFileIsTheOldOneOrTheNewOne()
    {
        var outcomes = Outcomes(seed =>
        {
            var disk = WithFile(seed, Old);
            using (var file = disk.Create("tmp"))
            {
                file.Write(0, New);
                file.Sync();
            }

            disk.Rename("tmp", "a");
            disk.Crash();
            return Content(disk, "a")[0];
        });
        Assert.Equal([1, 2], outcomes);
    }

    [Fact]
    public void EachUnsyncedSectorIsOldNewTornOrZeroForItself()
    {
        var kinds = new SortedSet<string>(StringComparer.Ordinal);
        for (var seed = 0UL; seed < 200; seed++)
        {
            var disk = WithFile(seed, Old);
            using var file = disk.Open("a");
            file.Write(0, New);
            disk.Crash();
            var content = Content(disk, "a");
            Assert.Equal(Old.Length, content.Length);
            for (var at = 0; at < content.Length; at += Sector)
            {
                kinds.Add(Kind(content.AsSpan(at, Sector)));
            }
        }

        Assert.Equal(["new", "old", "torn", "zero"], kinds);
    }

    /// <summary>A sector that holds synced bytes and newer ones behind them loses only the newer ones.</summary>
    [Fact]
    public void BytesThatWereSyncedAndNotWrittenAgainSurviveInTheirSector()
    {
        for (var seed = 0UL; seed < 200; seed++)
        {
            var disk = WithFile(seed, Filled(100, 1));
            using var file = disk.Open("a");
            file.Write(100, Filled(100, 2));
            disk.Crash();
            Assert.Equal(Filled(100, 1), Content(disk, "a")[..100]);
        }
    }

    [Fact]
    public void AnUnsyncedLengthIsTheOldTheNewOrBetween()
    {
        for (var seed = 0UL; seed < 100; seed++)
        {
            var disk = WithFile(seed, Old);
            using var file = disk.Open("a");
            file.Write(Old.Length, New);
            disk.Crash();
            Assert.InRange(Content(disk, "a").Length, Old.Length, Old.Length + New.Length);
        }
    }

    [Fact]
    public void AProcessThatDiesLosesNothing()
    {
        var disk = WithFile(1, Old);
        using var file = disk.Open("a");
        file.Write(0, New);
        disk.KillProcess();
        Assert.Equal(New, Content(disk, "a"));
        Assert.Throws<SimulatedCrashException>(() => file.Write(0, Old));
    }

    /// <summary>After a failed sync the cache may show what the disk does not have, and a second sync proves nothing
    /// (Rebello et al., 2020).</summary>
    [Fact]
    public void AFailedSyncDropsPagesAndCallsThemClean()
    {
        var outcomes = Outcomes(seed =>
        {
            var disk = WithFile(seed, Old);
            using var file = disk.Open("a");
            file.Write(0, New);
            disk.Faults.SyncError = 1;
            Assert.Throws<IOException>(file.Sync);
            disk.Faults.SyncError = 0;
            var shown = Content(disk, "a")[0];
            file.Sync();
            disk.Crash();
            return (shown, Content(disk, "a")[0]);
        });
        Assert.Contains(((byte)2, (byte)1), outcomes);
        Assert.Contains(((byte)1, (byte)1), outcomes);
        Assert.Contains(((byte)2, (byte)2), outcomes);
        Assert.DoesNotContain(((byte)1, (byte)2), outcomes);
    }

    [Fact]
    public void AShortWriteStoresAPartAndFails()
    {
        var disk = WithFile(1, Old);
        using var file = disk.Open("a");
        disk.Faults.ShortWrite = 1;
        Assert.False(disk.DiskFull(Assert.Throws<IOException>(() => file.Write(0, New))));
        Assert.Equal(Old.Length, Content(disk, "a").Length);
    }

    [Fact]
    public void AFullDiskTakesNoMoreBytesAndSaysSo()
    {
        var disk = WithFile(1, Old);
        using var file = disk.Open("a");
        disk.Faults.IsFull = true;
        file.Write(0, New);
        var error = Assert.Throws<SimulatedDiskFullException>(() => file.Write(Old.Length, New));
        Assert.True(disk.DiskFull(error));
        Assert.Throws<SimulatedDiskFullException>(() => disk.Create("b"));
    }

    [Fact]
    public void APowerFailureStopsTheOperationItIsAimedAt()
    {
        var disk = WithFile(1, Old);
        disk.CrashAtOperation(2);
        var file = disk.Open("a");
        file.Write(0, New);
        Assert.Throws<SimulatedCrashException>(file.Sync);
        disk.Crash();
        Assert.Equal(Old.Length, Content(disk, "a").Length);
    }

    [Fact]
    public void ACloneHoldsWhatIsDurableAndNothingElse()
    {
        var disk = WithFile(1, Old);
        using var file = disk.Open("a");
        file.Write(0, New);
        disk.Create("b").Dispose();
        Assert.False(disk.IsClean);
        var clone = disk.CloneDurable();
        Assert.Equal(["a"], clone.List());
        Assert.Equal(Old, Content(clone, "a"));
    }

    [Fact]
    public void RotFlipsOneBitThatWasWritten()
    {
        var disk = WithFile(1, Old);
        Assert.Equal("a", disk.Rot(static _ => false));
        var content = Content(disk, "a");
        var flipped = content.Zip(Old, (a, b) => System.Numerics.BitOperations.PopCount((uint)(a ^ b))).Sum();
        Assert.Equal(1, flipped);
        Assert.Null(WithFile(1, Old).Rot(static _ => true));
    }

    [Fact]
    public void LatencyIsTheFactorTimesTheWork()
    {
        static long Cost(double factor)
        {
            var disk = new SimulatedDisk("d", new Prng(5));
            disk.Faults.LatencyFactor = factor;
            using var file = disk.Create("a");
            file.Write(0, Old);
            file.Sync();
            return disk.TakeCost();
        }

        Assert.InRange(Cost(1_000), 990 * Cost(1), 1_100 * Cost(1));
    }

    private static SimulatedDisk WithFile(ulong seed, byte[] content)
    {
        var disk = new SimulatedDisk("d", new Prng(seed));
        using var file = disk.Create("a");
        file.Write(0, content);
        file.Sync();
        disk.SyncFolder();
        return disk;
    }

    private static byte[] Content(SimulatedDisk disk, string name)
    {
        using var file = disk.Open(name);
        var content = new byte[file.Length];
        Assert.Equal(content.Length, file.Read(0, content));
        return content;
    }

    private static byte[] Filled(int length, byte value)
    {
        var bytes = new byte[length];
        bytes.AsSpan().Fill(value);
        return bytes;
    }

    private static string Kind(ReadOnlySpan<byte> sector)
    {
        var news = sector.Count((byte)2);
        return news == Sector ? "new"
            : sector.IndexOfAnyExcept((byte)0) < 0 ? "zero"
            : news == 0 ? "old"
            : "torn";
    }

    private static SortedSet<T> Outcomes<T>(Func<ulong, T> run) =>
        new(Enumerable.Range(0, 200).Select(seed => run((ulong)seed)));
}
