using DistFS.Metadata.Chunks;
using DistFS.Metadata.Content;
using DistFS.Metadata.Ops;
using DistFS.Metadata.Tests.Content;

namespace DistFS.Metadata.Tests;

/// <summary>
/// Random writes, cuts, punches, clones, failures and repairs of a few files, on the product with model chunk servers,
/// and on arrays of bytes: every byte of every copy that a reader may be given is the model's.
/// </summary>
public sealed class RandomContentTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void Every_copy_reads_as_the_model(ulong seed)
    {
        var walk = new Walk(seed);
        for (var i = 0; i < 1500; i++)
        {
            walk.Step();
            walk.Compare(everything: i % 50 == 49);
        }

        walk.End();
    }

    private sealed class Walk
    {
        private const int ChunksMax = 4;
        private const int Cells = ModelServers.Cells;
        private const uint CellBytes = ModelServers.CellBytes;
        private readonly Prng _prng;
        private readonly Files _files = new();
        private readonly ModelServers _servers = new();
        private readonly InodeId[] _inodes = new InodeId[4];
        private readonly byte[][] _model = new byte[4][];
        private byte _next;

        public Walk(ulong seed)
        {
            _prng = new Prng(seed);

            // Without limits: what it counts is compared with what is there.
            Ok(_files.Fs.SetQuota(InodeId.Root));
            for (var i = 0; i < _inodes.Length; i++)
            {
                Make(i);
            }
        }

        public void Step()
        {
            var (file, cell) = (_prng.NextInt32(_inodes.Length), _prng.NextInt32(ChunksMax * Cells));
            var length = 1 + _prng.NextInt32(_prng.Chance(0.5) ? 10 : 2 * Cells);
            length = Math.Min(length, (ChunksMax * Cells) - cell);
            var servers = Enumerable.Range(1, 5).Where(_ => _prng.Chance(0.6)).Take(3).Select(i => (uint)i);
            _files.Place([.. servers.DefaultIfEmpty(1u)]);
            switch (_prng.NextInt32(12))
            {
                case 0 or 1 or 2:
                    Write(file, cell, New(length));
                    break;
                case 3:
                    WriteInline(file);
                    break;
                case 4:
                    Cut(file, cell);
                    break;
                case 5:
                    Punch(file, cell, length);
                    break;
                case 6:
                    Share(file, _prng.NextInt32(_inodes.Length));
                    break;
                case 7:
                    WriteAndCrash(file, (ulong)(cell / Cells));
                    break;
                case 8:
                    Seal(file, (ulong)(cell / Cells));
                    break;
                case 9:
                    Repair(file, (ulong)(cell / Cells));
                    break;
                case 10:
                    Collect();
                    break;
                default:
                    if (_prng.Chance(0.2))
                    {
                        Remove(file);
                    }

                    break;
            }
        }

        public void Compare(bool everything)
        {
            if (everything)
            {
                _files.Sound();
            }

            for (var i = 0; i < _inodes.Length; i++)
            {
                Assert.Equal((long)_model[i].Length * CellBytes, _files.Size(_inodes[i]));
                for (var index = 0; everything && index * Cells < _model[i].Length; index++)
                {
                    var expected = _model[i].AsSpan(index * Cells);
                    CompareChunk(i, (ulong)index, expected[..Math.Min(Cells, expected.Length)]);
                }
            }
        }

        /// <summary>When all files are gone nothing is left anywhere.</summary>
        public void End()
        {
            for (var i = 0; i < _inodes.Length; i++)
            {
                Remove(i);
                Ok(_files.SetSize(_inodes[i], 0));
            }

            Collect();
            Assert.Empty(_servers.Copies);
            Assert.Equal(0UL, _files.Fs.Quota(InodeId.Root).Bytes);
            for (uint server = 1; server <= 5; server++)
            {
                Assert.Empty(_files.Chunks.Replicas(new ServerId(server), default, new ChunkId(ulong.MaxValue), 9));
            }
        }

        private static void Ok(FsStatus status) => Assert.Equal(FsStatus.Ok, status);

        private static byte[] Resized(byte[] bytes, int length)
        {
            var resized = bytes[..Math.Min(bytes.Length, length)];
            Array.Resize(ref resized, length);
            return resized;
        }

        private void Make(int file)
        {
            _inodes[file] = _files.Fs.File(InodeId.Root, $"f{file}");
            _model[file] = [];
        }

        private void Remove(int file)
        {
            Ok(_files.Fs.Unlink(InodeId.Root, $"f{file}"));
            while (_files.Fs.Collect(1 + _prng.NextInt32(4)).More)
            {
                _files.Sound();
            }

            Make(file);
        }

        private byte[] New(int length)
        {
            var cells = new byte[length];
            Array.Fill(cells, _next = (byte)(_next % 255 + 1));
            return cells;
        }

        /// <summary>As a client writes: makes the chunk writable, fills it, or writes in place, and commits.</summary>
        private void Write(int file, int cell, byte[] cells)
        {
            _model[file] = Resized(_model[file], Math.Max(_model[file].Length, cell + cells.Length));
            cells.CopyTo(_model[file], cell);
            for (var at = 0; at < cells.Length;)
            {
                var (index, first) = ((ulong)((cell + at) / Cells), (cell + at) % Cells);
                var part = cells[at..Math.Min(cells.Length, at + Cells - first)];
                WriteChunk(_inodes[file], index, first, part);
                at += part.Length;
            }
        }

        private void WriteChunk(InodeId inode, ulong index, int first, byte[] cells)
        {
            // The bytes that stand in the metadata are the first of the cell that they stand for.
            var inline = index == 0 ? _files.Fs.Tree.Content(inode) : null;
            var before = inline != null ? [inline[0]] : Visible(inode, index);
            Ok(_files.Allocate(inode, index));
            var info = Assert.Single(_files.Fs.Reply.Chunks);
            var end = Math.Max(first + cells.Length, info.Replacement ? before.Length : 0);
            foreach (var server in info.Servers)
            {
                if (info.Replacement)
                {
                    // Another may have begun to fill it, and left something.
                    Assert.True(_servers.Write(server, info, 0, new byte[Cells]));
                    Assert.True(_servers.Write(server, info, 0, before));
                }

                Assert.True(_servers.Write(server, info, first, cells));
            }

            var written = new WrittenChunk
            {
                Index = index,
                Chunk = info.Chunk,
                Version = info.Version,
                Length = (uint)end * CellBytes,
            };
            Ok(info.Replacement ? _files.Install(inode, written) : _files.Commit(inode, written));
        }

        /// <summary>The bytes of the metadata row, all alike, stand for the first cell.</summary>
        private void WriteInline(int file)
        {
            var inode = _inodes[file];
            var hasChunk = _files.Chunks.TryGetPlace(inode, 0, out var place) && place.Chunk.Value != 0;
            var bytes = new byte[4096];
            Array.Fill(bytes, New(1)[0]);
            Assert.Equal(hasChunk ? FsStatus.Stale : FsStatus.Ok, _files.Write(inode, 0, bytes));
            if (!hasChunk)
            {
                _model[file] = Resized(_model[file], Math.Max(_model[file].Length, 1));
                _model[file][0] = _next;
                Ok(_files.SetSize(inode, (ulong)_model[file].Length * CellBytes));
            }
        }

        private void Cut(int file, int cells)
        {
            Ok(_files.SetSize(_inodes[file], (ulong)cells * CellBytes));
            _model[file] = Resized(_model[file], cells);
        }

        private void Punch(int file, int cell, int length)
        {
            var extend = _prng.Chance(0.3);
            Ok(_files.Punch(_inodes[file], (ulong)cell * CellBytes, (ulong)length * CellBytes, extend));
            Assert.Equal((ulong)(cell + length) * CellBytes, _files.Fs.Reply.NextOffset);
            foreach (var range in _files.Fs.Reply.ZeroRanges)
            {
                var index = range.Offset / ChunkLayout.ChunkBytes;
                var first = (int)(range.Offset % ChunkLayout.ChunkBytes / CellBytes);
                WriteChunk(_inodes[file], index, first, new byte[range.Length / CellBytes]);
            }

            var size = extend ? Math.Max(_model[file].Length, cell + length) : _model[file].Length;
            _model[file] = Resized(_model[file], size);
            var end = Math.Min(cell + length, size);
            if (cell < end)
            {
                _model[file].AsSpan(cell..end).Clear();
            }
        }

        private void Share(int from, int to)
        {
            var whole = _model[from].Length;
            var (fromChunk, toChunk) = (_prng.NextInt32(ChunksMax), _prng.NextInt32(ChunksMax));
            var length = Math.Min(whole - (fromChunk * Cells), (ChunksMax - toChunk) * Cells);
            length = _prng.Chance(0.5) ? Math.Min(length, Cells) : length;
            var status = _files.Share(
                _inodes[from], (ulong)fromChunk * Files.Chunk, _inodes[to], (ulong)toChunk * Files.Chunk,
                (ulong)Math.Max(length, 0) * CellBytes);
            if (status == FsStatus.Ok)
            {
                var cells = _model[from][(fromChunk * Cells)..((fromChunk * Cells) + length)];
                _model[to] = Resized(_model[to], Math.Max(_model[to].Length, (toChunk * Cells) + length));
                cells.CopyTo(_model[to], toChunk * Cells);
            }
        }

        /// <summary>
        /// A writer sends bytes behind what is committed, to some of the servers, and is fenced; later it sends more,
        /// in the version that is over, to servers that may not have heard of it.
        /// </summary>
        private void WriteAndCrash(int file, ulong index)
        {
            Ok(_files.Allocate(_inodes[file], index));
            var info = Assert.Single(_files.Fs.Reply.Chunks);
            var first = (int)(info.StoredLength / CellBytes);
            if (first == Cells)
            {
                return;
            }

            var cells = New(1 + _prng.NextInt32(Cells - first));
            SendToSome(info, first, cells);
            var named = new WrittenChunk { Index = index, Chunk = info.Chunk, Version = info.Version };
            uint[] drop = info.Servers.Count > 1 && _prng.Chance(0.5)
                ? [info.Servers[_prng.NextInt32(info.Servers.Count)]] : [];
            if (first > 0 && ((int)index * Cells) + first < _model[file].Length && _prng.Chance(0.5))
            {
                // What cuts the file there fences too.
                Cut(file, ((int)index * Cells) + first);
                SendToSome(info, first, cells);
                return;
            }

            Ok(_files.NewVersion(_inodes[file], named, drop));
            foreach (var server in drop)
            {
                info.Servers.Remove(server);
            }

            SendToSome(info, first, cells);
        }

        private void SendToSome(ChunkInfo info, int first, byte[] cells)
        {
            foreach (var server in info.Servers)
            {
                if (_prng.Chance(0.5))
                {
                    _servers.Write(server, info, first, cells);
                }
            }
        }

        private void Seal(int file, ulong index)
        {
            if (_files.Chunks.TryGetPlace(_inodes[file], index, out var place) && place.Chunk.Value != 0)
            {
                var version = _files.Row(place.Chunk).Version.Value;
                Ok(_files.Seal(_inodes[file], new WrittenChunk
                {
                    Index = index,
                    Chunk = place.Chunk.Value,
                    Version = version,
                }));
            }
        }

        private void Repair(int file, ulong index)
        {
            if (!_files.Chunks.TryGetPlace(_inodes[file], index, out var place) || place.Chunk.Value == 0)
            {
                return;
            }

            var chunk = _files.Row(place.Chunk);
            var server = 1 + (uint)_prng.NextInt32(5);
            if (chunk.IsOn(new ServerId(server)))
            {
                var expected = chunk.Replicas.Length == 1 ? FsStatus.IoError : FsStatus.Ok;
                Assert.Equal(expected, _files.Change(place.Chunk, server, add: false));
                return;
            }

            var status = _files.Change(place.Chunk, server, add: true);
            var isBusy = chunk.State == ChunkState.Open
                || _files.Chunks.TryGetGarbage(new ServerId(server), place.Chunk, out _);
            Assert.Equal(isBusy ? FsStatus.Busy : FsStatus.Ok, status);
            if (status == FsStatus.Ok)
            {
                // A copy is there before it is told of; nothing comes between here.
                var info = Replies.ToChunkInfo(_files.Chunks, index, place, place.Chunk);
                _servers.Clone(chunk.Replicas.Span[0].Value, server, info);
            }
        }

        /// <summary>
        /// Servers delete what they are told to, and say so; an order that comes again later harms nothing.
        /// </summary>
        private void Collect()
        {
            for (uint server = 1; server <= 5; server++)
            {
                foreach (var (chunk, garbage) in _files.Chunks.Garbage(new ServerId(server), default, 1000))
                {
                    _servers.Delete(server, chunk.Value, garbage.Version.Value);
                    Ok(_files.Confirm(server, chunk));
                }
            }
        }

        private byte[] Visible(InodeId inode, ulong index)
        {
            Ok(FileMaps.Read(_files.Fs.Tree, inode, index, out var map));
            var info = map.Chunks.FirstOrDefault(chunk => chunk.Index == index);
            return info == null ? [] : _servers.Read(info.Servers[_prng.NextInt32(info.Servers.Count)], info)!;
        }

        private void CompareChunk(int file, ulong index, ReadOnlySpan<byte> expected)
        {
            if (index == 0 && _files.Fs.Tree.Content(_inodes[file]) is { } inline)
            {
                Assert.Equal(expected[0], inline[0]);
                Assert.True(expected[1..].IndexOfAnyExcept((byte)0) < 0);
                return;
            }

            var read = Resized(Visible(_inodes[file], index), expected.Length);
            Assert.Equal(expected, read);
        }
    }
}
