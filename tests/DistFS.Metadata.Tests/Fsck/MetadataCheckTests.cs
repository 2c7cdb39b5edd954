using System.Buffers;
using DistFS.Metadata.Fsck;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;
using DistFS.Metadata.Tests.Content;

namespace DistFS.Metadata.Tests.Fsck;

/// <summary>The check works in steps, finds the same in them, and keeps little of an inode.</summary>
[Collection("Measured")]
public sealed class MetadataCheckTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1_000_000)]
    public void In_steps_of_any_size_it_finds_the_same(int rowsMax)
    {
        var files = new Files();
        for (var i = 0; i < 600; i++)
        {
            files.Fs.File(files.Fs.Directory(InodeId.Root, $"d{i}"), "f");
        }

        files.FileOf("content", 1, 2, 3);
        files.Sound();
        var lost = files.Fs.Find(files.Fs.Find(InodeId.Root, "d300")!.Value, "f")!.Value;
        files.Fs.Tree.Remove(lost);
        files.Fs.Keep();
        var check = new MetadataCheck(files.Fs.Rows(), 7);
        var (steps, phases) = (1, new SortedSet<CheckPhase>());
        for (; check.Step(rowsMax); steps++)
        {
            phases.Add(check.Phase);
            Assert.True(check.Rows <= (4L * rowsMax * steps) + 600, $"{check.Rows}");
        }

        Assert.Equal(CheckPhase.Done, check.Phase);
        Assert.False(check.Step(1));
        var finding = Assert.Single(check.Findings);
        Assert.Equal((FindingKind.Tree, lost, 1L), (finding.Kind, finding.Inode, check.FindingsTotal));
        Assert.InRange(check.Rows, 3 * 1200, 6 * 1200);
        Assert.True(steps >= check.Rows / rowsMax / 2, $"{steps}");
        Assert.True(rowsMax > 7 || phases.Count == 4);
    }

    [Fact]
    public void Much_that_is_wrong_is_counted_and_a_part_of_it_told()
    {
        var fs = new Namespace();
        for (ulong i = 100; i < 1700; i++)
        {
            fs.Tree.PutOrphan(new InodeId(i));
        }

        fs.Keep();
        var check = new MetadataCheck(fs.Rows(), 7);
        Assert.False(check.Step(int.MaxValue));
        Assert.Equal((1000, 1600L), (check.Findings.Count, check.FindingsTotal));
    }

    [Fact]
    public void Before_the_first_entry_there_is_nothing_to_check() =>
        Assert.Null(MetadataCheck.Begin(new MemoryStore()));

    [Fact]
    public void An_inode_takes_40_bytes_and_what_rounds_it_up()
    {
        const int Count = 200_000;
        var store = new FlatDirectory(Count);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var check = new MetadataCheck(store, 7);
        while (check.Phase != CheckPhase.Counts)
        {
            Assert.True(check.Step(100_000));
        }

        var bytes = GC.GetTotalMemory(forceFullCollection: true) - before;
        Assert.InRange(bytes, 0, 50 * Count);
        while (check.Step(1_000_000))
        {
        }

        Assert.Empty(check.Findings);
        GC.KeepAlive(store);
    }

    /// <summary>A root with so many empty files, as rows that are made when they are read.</summary>
    private sealed class FlatDirectory : IOrderedStore
    {
        private readonly (ulong Cookie, int File)[] _names;
        private readonly byte[] _root = new byte[InodeRow.SizeBytes];
        private readonly byte[] _file = new byte[InodeRow.SizeBytes];

        public FlatDirectory(int count)
        {
            _names = new (ulong Cookie, int File)[count];
            for (var i = 0; i < count; i++)
            {
                _names[i] = (Cookies.Of(7, BitConverter.GetBytes(i)), i);
            }

            Array.Sort(_names);
            var row = new InodeRow { Kind = InodeKind.File, Mode = 0, Uid = 0, Gid = 0, Links = 1 };
            row.Write(_file);
            (row with
            {
                Kind = InodeKind.Directory,
                Links = 2,
                Entries = (ulong)count,
                Parent = InodeId.Root,
            }).Write(_root);
        }

        public bool TryRead(ReadOnlySpan<byte> key, IBufferWriter<byte> value) => false;

        public void Scan(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to, RowVisitor row)
        {
            Span<byte> key = stackalloc byte[RowKey.BytesMax];
            if (from[0] == (byte)RowTable.Inode)
            {
                // A page ends with a zero behind the last key.
                var first = from.Length == 1 ? 1 : RowKey.InodeOf(from).Value + 1;
                for (var id = first; id <= (ulong)_names.Length + 1; id++)
                {
                    if (!row(RowKey.Of(key, RowTable.Inode, new InodeId(id)), id == 1 ? _root : _file))
                    {
                        return;
                    }
                }
            }
            else if (from[0] == (byte)RowTable.Dentry)
            {
                Span<byte> value = stackalloc byte[DentryRow.SizeBytes];
                for (var at = from.Length == 1 ? 0 : After(from); at < _names.Length; at++)
                {
                    new DentryRow(new InodeId((ulong)_names[at].File + 2), InodeKind.File).Write(value);
                    if (!row(RowKey.OfDentry(
                        key, InodeId.Root, _names[at].Cookie, BitConverter.GetBytes(_names[at].File)), value))
                    {
                        return;
                    }
                }
            }
        }

        public void Write(IReadOnlyCollection<KeyValuePair<byte[], byte[]?>> changes) =>
            throw new NotSupportedException();

        private int After(ReadOnlySpan<byte> from) => 1 + Array.BinarySearch(
            _names, (RowKey.CookieOf(from), BitConverter.ToInt32(RowKey.NameOf(from))));
    }
}

/// <summary>Of tests that measure memory: nothing else runs meanwhile.</summary>
[CollectionDefinition("Measured", DisableParallelization = true)]
public sealed class Measured;
