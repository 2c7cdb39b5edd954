using DistFS.Metaserver.Storage;

namespace DistFS.Metaserver.Tests.Storage;

/// <summary>
/// The power fails, or the process dies, at every single step of mixed work. What was synced is there afterwards, what
/// was never written is not, and a cut is done or not done, never half (thesis, 3.8: what must be on disk before a
/// reply).
/// </summary>
public sealed class RaftStoreCrashTests
{
    private static readonly (CrashMode Mode, ulong Seed)[] Crashes =
    [
        (CrashMode.LoseAll, 0), (CrashMode.KeepAll, 0), (CrashMode.Torn, 1), (CrashMode.Torn, 2), (CrashMode.Torn, 3),
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void ACrashAtAnyStepLosesNothingThatWasSynced(ulong seed)
    {
        foreach (var step in StepsOfWork(seed))
        {
            foreach (var (mode, chance) in Crashes)
            {
                var disk = Stores.Format();
                disk.CrashAt(step);
                var work = new StoreWork(disk, seed);
                Assert.Throws<CrashedException>(work.Run);
                var after = disk.AfterCrash(mode, chance + ((ulong)step * 10));
                work.Verify(after, $"seed {seed} step {step} {mode} {chance}");
            }
        }
    }

    /// <summary>The recovery itself is work, and crashes too.</summary>
    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    public void ACrashDuringRecoveryLosesNothingEither(ulong seed)
    {
        foreach (var step in StepsOfWork(seed, every: 3))
        {
            var disk = Stores.Format();
            disk.CrashAt(step);
            var work = new StoreWork(disk, seed);
            Assert.Throws<CrashedException>(work.Run);
            for (var again = 1; again < 40; again++)
            {
                var after = disk.AfterCrash(CrashMode.Torn, (ulong)((step * 100) + again));
                after.CrashAt(again);
                try
                {
                    Stores.Open(after).Dispose();
                    break;
                }
                catch (CrashedException)
                {
                    var twice = after.AfterCrash((CrashMode)(again % 3), (ulong)again);
                    work.Verify(twice, $"seed {seed} step {step} then {again}");
                }
            }
        }
    }

    [Fact]
    public void ACrashWhileAStoreIsMadeLeavesNoneOrAWholeOne()
    {
        var whole = Stores.Format();
        for (var step = 1; step <= whole.Steps; step++)
        {
            foreach (var (mode, chance) in Crashes)
            {
                var disk = new FaultyDisk();
                disk.CrashAt(step);
                Assert.Throws<CrashedException>(() => RaftStore.Format(disk, Stores.Identity, Stores.Three));
                var after = disk.AfterCrash(mode, chance + ((ulong)step * 10));
                if (!RaftStore.IsFormatted(after))
                {
                    Assert.Equal(
                        ErrorCatalog.StoreWiped,
                        Assert.Throws<StoreRefusedException>(() => Stores.Open(after)).Code);
                    RaftStore.Format(after, Stores.Identity, Stores.Three);
                }

                using var store = Stores.Open(after);
                Assert.Equal(Stores.Identity, store.Identity);
                Assert.DoesNotContain("formatting", after.List());
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void AnErrorAtAnyStepEndsTheStoreAndLosesNothing(ulong seed)
    {
        var givenUp = 0;
        foreach (var step in StepsOfWork(seed))
        {
            var isFull = step % 2 == 0;
            var disk = Stores.Format();
            disk.FailAt = (step, () => isFull ? new FullException() : new IOException("Input/output error."));
            var work = new StoreWork(disk, seed);
            if (work.RunToFailure() is { } error)
            {
                Assert.Equal(isFull ? ErrorCatalog.DiskFull : ErrorCatalog.DiskFailed, error.Code);
                work.AssertPoisoned(error.Code);
            }

            givenUp += work.GivenUp;
            foreach (var (mode, chance) in Crashes)
            {
                work.Verify(disk.AfterCrash(mode, chance + ((ulong)step * 10)), $"seed {seed} error at {step} {mode}");
            }
        }

        Assert.True(givenUp > 3, $"{givenUp}");
    }

    /// <summary>After a failed sync the cache shows what is not on disk and calls it clean. A process that starts again
    /// on the same machine must not show it as durable before it is (Rebello et al., ATC 2020).</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void WhatAProcessShowsAfterAnErrorSurvivesAPowerFailure(ulong seed)
    {
        foreach (var step in StepsOfWork(seed))
        {
            foreach (var (mode, chance) in Crashes)
            {
                var disk = Stores.Format();
                disk.FailAt = (step, () => new IOException("Input/output error."));
                var work = new StoreWork(disk, seed);
                work.RunToFailure();
                var where = $"seed {seed} error at {step} {mode}";
                using var shown = Stores.Open(disk);
                Assert.True(shown.IsWhole, where);
                var after = disk.AfterCrash(mode, chance + ((ulong)step * 10));
                using (var store = Stores.Open(after.Copy()))
                {
                    Assert.True(store.IsWhole, where + ": " + string.Join(' ', store.Findings));
                    Assert.Equal(
                        (where, shown.HardState, shown.Compacted, shown.Last, shown.Snapshot?.Id),
                        (where, store.HardState, store.Compacted, store.Last, store.Snapshot?.Id));
                    Stores.AssertSame(shown.ReadAll(), store.ReadAll());
                }

                work.Verify(after, where);
            }
        }
    }

    /// <summary>The start writes again what was read, and that fails or crashes too.</summary>
    [Theory]
    [InlineData(5)]
    [InlineData(6)]
    public void AnErrorThenAnErrorOrACrashAtTheStartLoseNothing(ulong seed)
    {
        foreach (var step in StepsOfWork(seed, every: 2))
        {
            for (var again = 1; ; again++)
            {
                var disk = Stores.Format();
                disk.FailAt = (step, () => new IOException("Input/output error."));
                var work = new StoreWork(disk, seed);
                work.RunToFailure();
                var isCrash = again % 2 == 0;
                disk.FailAt = (disk.Steps + again, () => isCrash ? new CrashedException() : new IOException("EIO"));
                if (Record.Exception(() => Stores.Open(disk).Dispose()) is not { } error)
                {
                    break;
                }

                Assert.True(error is CrashedException or StoreFailedException, error.ToString());
                if (!isCrash)
                {
                    Stores.Open(disk).Dispose();
                }

                var chance = (ulong)((step * 100) + again);
                work.Verify(disk.AfterCrash((CrashMode)(again % 3), chance), $"seed {seed} {step} then {again}");
            }
        }
    }

    /// <summary>The disk's steps of the work of a seed, those of making the store left out.</summary>
    private static IEnumerable<int> StepsOfWork(ulong seed, int every = 1)
    {
        var disk = Stores.Format();
        var made = disk.Steps;
        new StoreWork(disk, seed).Run();
        for (var step = made + 1; step <= disk.Steps; step += every)
        {
            yield return step;
        }
    }
}
