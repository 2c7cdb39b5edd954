namespace DistFS.Metadata.Tests.Reads;

/// <summary>The trash in pages: of a directory, and of all.</summary>
public sealed class ListTrashReadTests
{
    private readonly Namespace _fs = new();
    private readonly InodeId _a;

    public ListTrashReadTests()
    {
        Assert.Equal(FsStatus.Ok, _fs.SetRetention(InodeId.Root, 100));
        _a = _fs.Directory(InodeId.Root, "a", 0b111_000_000);
        foreach (var name in (string[])["1", "2", "3", "4", "5"])
        {
            _fs.File(_a, name);
            _fs.File(InodeId.Root, name);
            Assert.Equal(FsStatus.Ok, _fs.Unlink(_a, name));
            Assert.Equal(FsStatus.Ok, _fs.Unlink(InodeId.Root, name));
            _fs.Wait(1);
        }
    }

    [Fact]
    public void An_entry_says_what_was_where_and_until_when()
    {
        Assert.Equal(FsStatus.Ok, _fs.ListTrash(_a, out var page, 1));
        var entry = Assert.Single(page.Entries);
        Assert.False(page.IsEnd);
        Assert.Equal((_a.Value, "1", 0u), (entry.Parent, entry.Name.ToStringUtf8(), entry.RemovedBy));
        Assert.Equal(entry.Attributes.ChangeTime, entry.Removed);
        Assert.Equal((ulong)entry.Removed.Seconds + 101, entry.Purge);
        Assert.Equal(0u, entry.Attributes.Links);
        Assert.Equal(FsStatus.Ok, _fs.ListTrash(_a, out page, 4));
        Assert.False(page.IsEnd);
        Assert.Equal(FsStatus.Ok, _fs.ListTrash(_a, out page, 5));
        Assert.True(page.IsEnd);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(1024)]
    public void Page_by_page_each_is_given_once(uint entriesMax)
    {
        foreach (var directory in (InodeId[])[_a, default])
        {
            var found = new List<TrashEntry>();
            for (var isEnd = false; !isEnd;)
            {
                var last = found.LastOrDefault();
                Assert.Equal(FsStatus.Ok, _fs.ListTrash(
                    directory, out var page, entriesMax, last?.Purge ?? 0, last?.Attributes.Inode ?? 0));
                found.AddRange(page.Entries);
                isEnd = page.IsEnd;
            }

            Assert.Equal(directory == _a ? 5 : 10, found.Count);
            Assert.Equal(found.Count, found.DistinctBy(entry => entry.Attributes.Inode).Count());
            Assert.Equal(found.OrderBy(entry => entry.Purge).ThenBy(entry => entry.Attributes.Inode), found);
        }
    }

    [Fact]
    public void Whoever_may_list_the_directory_and_root_all()
    {
        Assert.Equal(FsStatus.Invalid, _fs.ListTrash(_a, out _, 0));
        Assert.Equal(FsStatus.Invalid, _fs.ListTrash(_a, out _, 1025));
        Assert.Equal(FsStatus.NotFound, _fs.ListTrash(new InodeId(99), out _));
        Assert.Equal(FsStatus.NotADirectory, _fs.ListTrash(_fs.File(_a, "f"), out _));
        _fs.Caller = Namespace.User(5, 5);
        Assert.Equal(FsStatus.AccessDenied, _fs.ListTrash(_a, out _));
        Assert.Equal(FsStatus.NotPermitted, _fs.ListTrash(default, out _));
        Assert.Equal(FsStatus.Ok, _fs.ListTrash(InodeId.Root, out _));
    }
}
