using DistFS.Metadata.Quotas;
using DistFS.Metadata.Rows;

namespace DistFS.Metadata.Tests;

/// <summary>
/// What the tests that do everything at random have in common: which inodes there are, and steps of them.
/// </summary>
internal sealed class RandomTree(Namespace fs, Prng prng)
{
    /// <summary>All that were made; some are gone.</summary>
    public List<InodeId> Inodes { get; } = [InodeId.Root];

    /// <summary>One of the last that were made, or the root.</summary>
    public InodeId Any() =>
        prng.Chance(0.2) ? InodeId.Root : Inodes[^(1 + prng.NextInt32(Math.Min(Inodes.Count, 25)))];

    /// <summary>One of eight names.</summary>
    public string Name() => $"n{prng.NextInt32(8)}";

    public FsStatus Make(InodeId parent, string name, double directories)
    {
        var status = fs.Make(parent, name, prng.Chance(directories) ? InodeKind.Directory : InodeKind.File);
        if (status == FsStatus.Ok)
        {
            Inodes.Add(new InodeId(fs.Last.Inode));
        }

        return status;
    }

    /// <summary>Says how long things are kept, lets time go by, restores or purges what is in the trash.</summary>
    public FsStatus StepTrash(InodeId one, InodeId other, string name)
    {
        var trashed = fs.Tree.TrashAfter(0, default, 100);
        var removed = trashed.Count == 0 ? one : trashed[prng.NextInt32(trashed.Count)];
        switch (prng.NextInt32(8))
        {
            case 0:
                return fs.SetRetention(one, (ulong)prng.NextInt32(30));
            case 1:
                return fs.SetRetention(one, clear: true);
            case 2:
                fs.Wait(prng.NextInt32(20));
                return FsStatus.Ok;
            case 3:
                return fs.Purge(removed);
            case 4 or 5:
                return fs.Restore(removed);
            default:
                return fs.Restore(removed, other, name);
        }
    }

    /// <summary>All that is to be collected is, in small steps.</summary>
    public void CollectAll()
    {
        while (fs.Collect(1 + prng.NextInt32(9)).More)
        {
        }
    }

    /// <summary>The time of everything in the trash is over.</summary>
    public void EmptyTrash()
    {
        fs.Wait(100);
        CollectAll();
    }

    /// <summary>No directory has a quota any more.</summary>
    public void ClearQuotas()
    {
        foreach (var id in Inodes.Where(id => fs.Tree.TryGetQuota(id, out var row)
            && row.State == QuotaState.Active && fs.Row(id).Links > 0))
        {
            Assert.Equal(FsStatus.Ok, fs.SetQuota(id, clear: true));
            CollectAll();
        }
    }
}
