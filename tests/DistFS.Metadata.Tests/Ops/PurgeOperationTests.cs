using DistFS.Metadata.Rows;

namespace DistFS.Metadata.Tests.Ops;

/// <summary>What is in the trash goes for good: when somebody says so, or when its time is over.</summary>
public sealed class PurgeOperationTests
{
    private readonly Namespace _fs = new();

    public PurgeOperationTests() => Assert.Equal(FsStatus.Ok, _fs.SetRetention(InodeId.Root, 100));

    [Fact]
    public void At_once()
    {
        var file = Removed("f");
        Assert.Equal(FsStatus.Ok, _fs.Purge(file));
        Assert.Equal(FsStatus.NotFound, _fs.Purge(file));
        Assert.Equal(FsStatus.NotFound, _fs.Restore(file));
        _fs.Sound();
        _fs.Collect();
        Assert.False(_fs.Exists(file));
        Assert.Equal(FsStatus.NotFound, _fs.Purge(new InodeId(99)));
        Assert.Equal(FsStatus.NotFound, _fs.Purge(InodeId.Root));
        _fs.Sound();
    }

    [Fact]
    public void What_is_open_with_its_last_close()
    {
        var file = _fs.File(InodeId.Root, "f");
        Assert.Equal(FsStatus.Ok, _fs.Open(file, 1));
        Assert.Equal(FsStatus.Ok, _fs.Unlink(InodeId.Root, "f"));
        Assert.Equal(FsStatus.Ok, _fs.Purge(file));
        _fs.Collect();
        Assert.True(_fs.Exists(file));
        _fs.Sound();
        Assert.Equal(FsStatus.Ok, _fs.Release(file, 1));
        _fs.Collect();
        Assert.False(_fs.Exists(file));
        _fs.Sound();
    }

    [Fact]
    public void By_time_and_not_before()
    {
        var first = Removed("1");
        _fs.Wait(50);
        var second = Removed("2");
        _fs.Wait(49);
        Assert.Equal((0u, false), (_fs.Collect().Rows, _fs.Collect().More));
        _fs.Wait(2);
        Assert.False(_fs.Collect().More);
        Assert.Equal((false, true), (_fs.Exists(first), _fs.Exists(second)));
        _fs.Wait(50);
        Assert.False(_fs.Collect().More);
        Assert.False(_fs.Exists(second));
        _fs.Sound();
    }

    [Fact]
    public void By_time_in_steps_of_bounded_work()
    {
        var files = Enumerable.Range(0, 20).Select(i => Removed($"f{i}")).ToList();
        _fs.Wait(102);
        Assert.Equal((7u, true), (_fs.Collect(7).Rows, _fs.Collect(7).More));
        _fs.Sound();
        while (_fs.Collect(7).More)
        {
        }

        Assert.DoesNotContain(true, files.Select(_fs.Exists));
        Assert.Equal(0, _fs.Count(RowTable.Trash) + _fs.Count(RowTable.TrashEntry) + _fs.Count(RowTable.Orphan));
        _fs.Sound();
    }

    private InodeId Removed(string name)
    {
        var file = _fs.File(InodeId.Root, name);
        Assert.Equal(FsStatus.Ok, _fs.Unlink(InodeId.Root, name));
        return file;
    }
}
