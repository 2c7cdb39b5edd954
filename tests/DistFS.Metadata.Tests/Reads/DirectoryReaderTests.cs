using System.Text;
using DistFS.Metadata.Reads;
using DistFS.Metadata.Rows;

namespace DistFS.Metadata.Tests.Reads;

/// <summary>POSIX, readdir: pages, cookies, and what comes and goes meanwhile.</summary>
public sealed class DirectoryReaderTests
{
    private static readonly PageLimits NoLimits = new(int.MaxValue, int.MaxValue, 0);
    private readonly Namespace _fs = new();
    private readonly DirectoryReader _reader = new();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(1000)]
    public void Every_name_once_whatever_the_size_of_a_page(int entriesMax)
    {
        var directory = _fs.Directory(InodeId.Root, "d");
        var expected = new SortedSet<string>(StringComparer.Ordinal) { ".", ".." };
        for (var i = 0; i < 300; i++)
        {
            _fs.File(directory, $"n{i}");
            expected.Add($"n{i}");

            // Some rows are in the store, some are pending, and some of those in the store are gone in what is pending.
            if (i == 150)
            {
                _fs.Flush();
            }

            if (i % 3 == 0 && i > 10)
            {
                Assert.Equal(FsStatus.Ok, _fs.Unlink(directory, $"n{i - 9}"));
                expected.Remove($"n{i - 9}");
            }
        }

        var lines = All(directory, NoLimits with { EntriesMax = entriesMax });
        Assert.Equal(expected, lines.Select(line => line.Name).Order(StringComparer.Ordinal));
        Assert.Equal([".", ".."], lines.Take(2).Select(line => line.Name));
        Assert.Equal(lines.Select(line => line.Cookie).Order(), lines.Select(line => line.Cookie));
        Assert.Equal(lines.Count, lines.Select(line => line.Cookie).Distinct().Count());
    }

    [Fact]
    public void Attributes_are_those_of_stat()
    {
        var directory = _fs.Directory(InodeId.Root, "d", 0b111_101_100);
        var file = _fs.File(directory, "f", 0b110_000_000);
        var lines = All(directory, NoLimits);
        Assert.Equal([directory, InodeId.Root, file], lines.Select(line => line.Inode));
        Assert.All(lines, line => Assert.Equal(_fs.Row(line.Inode), line.Attributes));
        Assert.All(All(directory, NoLimits, withAttributes: false), line => Assert.Null(line.Attributes));

        // Who may read the directory and not search it sees names only, as by stat; who may search only sees nothing.
        _fs.Caller = Namespace.User(7, 7);
        lines = All(directory, NoLimits);
        Assert.Equal([".", "..", "f"], lines.Select(line => line.Name));
        Assert.All(lines, line => Assert.Null(line.Attributes));
        Assert.Equal(InodeKind.File, lines[2].Kind);
        _fs.Caller = Principal.Root;
        Assert.Equal(FsStatus.Ok, _fs.Set(directory, set => set.Mode = 0b111_101_001));
        _fs.Caller = Namespace.User(7, 7);
        Assert.Equal(FsStatus.AccessDenied, Page(directory, 0, NoLimits, out _, out _));
    }

    [Fact]
    public void A_page_has_no_more_bytes_than_it_may()
    {
        var directory = _fs.Directory(InodeId.Root, "d");
        foreach (var length in (int[])[1, 10, 100, 255])
        {
            _fs.File(directory, new string('x', length));
        }

        var limits = new PageLimits(int.MaxValue, 24 + 255, 24);
        var (after, names) = (0UL, 0);
        for (var isEnd = false; !isEnd;)
        {
            Assert.Equal(FsStatus.Ok, Page(directory, after, limits, out var lines, out isEnd));
            Assert.InRange(lines.Sum(line => 24 + line.Name.Length), 0, limits.BytesMax);
            after = lines.Count > 0 ? lines[^1].Cookie : after;
            names += lines.Count;
        }

        Assert.Equal(6, names);
        Assert.Equal(FsStatus.Invalid, Page(directory, 0, limits with { BytesMax = 24 }, out _, out _));
        Assert.Equal(FsStatus.Ok, Page(directory, 0, limits with { BytesMax = 25 }, out var one, out _));
        Assert.Equal(".", Assert.Single(one).Name);
        Assert.Equal(FsStatus.Invalid, Page(directory, 0, limits with { EntriesMax = 0 }, out _, out _));
    }

    /// <summary>The cookie of a page's last line leads to all that follow: so equal hashes stay together.</summary>
    [Fact]
    public void Names_with_equal_hashes_are_on_one_page()
    {
        var directory = _fs.Directory(InodeId.Root, "d");
        var file = _fs.File(directory, "real");
        var store = _fs.Rows();
        var cookie = _fs.Tree.Cookie("real"u8);
        var row = new byte[DentryRow.SizeBytes];
        new DentryRow(file, InodeKind.File).Write(row);
        foreach (var name in (string[])["a", "b"])
        {
            // Nobody can find such names; they are written beside the hash.
            var key = RowKey.OfDentry(new byte[RowKey.BytesMax], directory, cookie, Encoding.UTF8.GetBytes(name));
            store.Write([KeyValuePair.Create(key.ToArray(), (byte[]?)row)]);
        }

        var limits = NoLimits with { EntriesMax = 4 };
        Assert.Equal(FsStatus.Ok, Page(directory, 0, limits, out var lines, out var isEnd));
        Assert.Equal(". ..", string.Join(' ', lines.Select(line => line.Name)));
        Assert.False(isEnd);
        Assert.Equal(FsStatus.Ok, Page(directory, Cookies.Parent, limits, out lines, out isEnd));
        Assert.Equal("a b real", string.Join(' ', lines.Select(line => line.Name)));
        Assert.True(isEnd);
        Assert.Equal(FsStatus.Invalid, Page(directory, 2, NoLimits with { EntriesMax = 2 }, out _, out _));
    }

    [Fact]
    public void What_stays_is_given_once_whatever_comes_and_goes()
    {
        var directory = _fs.Directory(InodeId.Root, "d");
        for (var i = 0; i < 100; i++)
        {
            _fs.File(directory, $"stays{i}");
            _fs.File(directory, $"goes{i}");
        }

        var names = new List<string>();
        var (after, changes) = (0UL, 0);
        for (var isEnd = false; !isEnd; changes++)
        {
            Assert.Equal(
                FsStatus.Ok, Page(directory, after, NoLimits with { EntriesMax = 10 }, out var lines, out isEnd));
            names.AddRange(lines.Select(line => line.Name));
            after = lines[^1].Cookie;
            Assert.Equal(FsStatus.Ok, _fs.Unlink(directory, $"goes{changes}"));
            _fs.File(directory, $"comes{changes}");
        }

        Assert.Equal(100, names.Count(name => name.StartsWith("stays", StringComparison.Ordinal)));
        Assert.Equal(names.Count, names.Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void What_cannot_be_listed()
    {
        var file = _fs.File(InodeId.Root, "f");
        var gone = _fs.Directory(InodeId.Root, "d");
        Assert.Equal(FsStatus.Ok, _fs.RemoveDirectory(InodeId.Root, "d"));
        Assert.Equal(FsStatus.NotADirectory, Page(file, 0, NoLimits, out _, out _));
        Assert.Equal(FsStatus.NotFound, Page(gone, 0, NoLimits, out _, out _));
        Assert.Equal(FsStatus.NotFound, Page(new InodeId(99), 0, NoLimits, out _, out _));
        foreach (var after in (ulong[])[Cookies.Last, long.MaxValue, ulong.MaxValue])
        {
            Assert.Equal(FsStatus.Ok, Page(InodeId.Root, after, NoLimits, out var lines, out var isEnd));
            Assert.Equal((0, true), (lines.Count, isEnd));
        }
    }

    private List<Line> All(InodeId directory, PageLimits limits, bool withAttributes = true)
    {
        var all = new List<Line>();
        var isEnd = false;
        while (!isEnd)
        {
            var after = all.Count == 0 ? 0 : all[^1].Cookie;
            Assert.Equal(FsStatus.Ok, Page(directory, after, limits, out var lines, out isEnd, withAttributes));
            Assert.True(isEnd || lines.Count == limits.EntriesMax);
            all.AddRange(lines);
        }

        return all;
    }

    private FsStatus Page(
        InodeId directory,
        ulong after,
        PageLimits limits,
        out List<Line> lines,
        out bool isEnd,
        bool withAttributes = true)
    {
        var list = new LineList([]);
        var status = _reader.Read(_fs.Reading, directory, after, limits, withAttributes, ref list, out isEnd);
        lines = list.Lines;
        return status;
    }

    private sealed record Line(ulong Cookie, string Name, InodeId Inode, InodeKind Kind, InodeRow? Attributes);

    private readonly record struct LineList(List<Line> Lines) : IDirectoryVisitor
    {
        public void Take(in DirectoryEntry entry, in InodeRow attributes) => Lines.Add(new Line(
            entry.Cookie,
            Encoding.UTF8.GetString(entry.Name),
            entry.Inode,
            entry.Kind,
            entry.HasAttributes ? attributes : null));
    }
}
