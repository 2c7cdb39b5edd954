using DistFS.Metadata.Chunks;
using DistFS.Metadata.Quotas;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Tests.Content;

namespace DistFS.Metadata.Tests;

/// <summary>
/// Names, opens, sessions, quotas and content change at random, and collection goes on in steps meanwhile: all
/// invariants hold at every moment, no limit is passed by content, and in the end nothing is left of anything.
/// </summary>
public sealed class RandomMixTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void All_adds_up(ulong seed)
    {
        var mix = new Mix(seed);
        for (var i = 0; i < 3000; i++)
        {
            mix.Step();
        }

        mix.End();
    }

    private sealed class Mix
    {
        private const ulong PlacesMax = 4;
        private readonly Prng _prng;
        private readonly Files _files = new();
        private readonly RandomTree _tree;
        private readonly SortedDictionary<FsStatus, int> _ofContent = [];
        private int _steps;

        public Mix(ulong seed)
        {
            _prng = new Prng(seed);
            _tree = new RandomTree(_files.Fs, _prng);
        }

        private Namespace Fs => _files.Fs;

        public void Step()
        {
            var (one, other) = (_tree.Any(), _tree.Any());
            var (name, second) = (_tree.Name(), _tree.Name());
            Fs.Client = new ClientId(1 + (ulong)_prng.NextInt32(2));
            _files.Place(1 + (uint)_prng.NextInt32(2), 3, 4 + (uint)_prng.NextInt32(2));
            switch (_prng.NextInt32(18))
            {
                case 0 or 1:
                    _tree.Make(one, name, directories: 0.3);
                    break;
                case 2:
                    Fs.Link(one, other, name);
                    break;
                case 3:
                    Fs.Unlink(one, name);
                    break;
                case 4:
                    Fs.RemoveDirectory(one, name);
                    break;
                case 5:
                    Fs.Rename(one, name, other, second, exchange: _prng.Chance(0.3));
                    break;
                case 6:
                    _ = _prng.Chance(0.6) ? Fs.Open(one, 1) : Fs.Release(one, 1);
                    break;
                case 7:
                    var limit = _prng.Chance(0.4) ? 0 : (ulong)_prng.NextInt32(3000);
                    _ = _prng.Chance(0.6) ? Fs.SetQuota(one, bytesMax: limit) : Fs.SetQuota(one, clear: true);
                    break;
                case 8:
                    Fs.Collect(1 + _prng.NextInt32(6));
                    break;
                case 9:
                    Confirm(1 + (uint)_prng.NextInt32(5));
                    break;
                case 16 or 17:
                    _tree.StepTrash(one, other, name);
                    break;
                case 10 when _prng.Chance(0.1):
                    NewSession();
                    break;
                default:
                    ChangeContent(one, other);
                    break;
            }

            if (++_steps % 25 == 0)
            {
                _files.Sound();
            }
        }

        public void End()
        {
            // All that can happen has happened.
            foreach (var status in (FsStatus[])
                [FsStatus.Ok, FsStatus.QuotaExceeded, FsStatus.Stale, FsStatus.IsADirectory, FsStatus.NotFound])
            {
                Assert.True(_ofContent.GetValueOrDefault(status) > 0, $"never {status}");
            }

            _tree.EmptyTrash();
            _tree.ClearQuotas();
            while (Fs.Row(InodeId.Root).Entries > 0)
            {
                foreach (var id in _tree.Inodes.Where(Fs.Exists))
                {
                    for (var name = 0; name < 8; name++)
                    {
                        Fs.Unlink(id, $"n{name}");
                        Fs.RemoveDirectory(id, $"n{name}");
                    }
                }

                _tree.EmptyTrash();
            }

            Fs.SetRetention(InodeId.Root, clear: true);
            Fs.EndSession(new ClientId(1));
            Fs.EndSession(new ClientId(2));
            _tree.CollectAll();
            _files.Sound();
            for (uint server = 1; server <= 5; server++)
            {
                Confirm(server);
            }

            Assert.Equal(1, Fs.Count(RowTable.Inode));
            foreach (var table in (RowTable[])
                [
                    RowTable.Map, RowTable.Chunk, RowTable.Replica, RowTable.Garbage, RowTable.Content, RowTable.Trim,
                    RowTable.Quota, RowTable.Open, RowTable.Orphan, RowTable.Trash, RowTable.TrashEntry,
                    RowTable.Retention, RowTable.SessionUse,
                ])
            {
                Assert.Equal(0, Fs.Count(table));
            }
        }

        private void ChangeContent(InodeId one, InodeId other)
        {
            var before = Quotas();
            var (index, bytes) = ((ulong)_prng.NextInt32((int)PlacesMax), (uint)_prng.NextInt32(600));
            var offset = (index * Files.Chunk) + (ulong)_prng.NextInt32(600);
            var status = _prng.NextInt32(8) switch
            {
                0 => _files.Write(one, (ulong)_prng.NextInt32(400), new byte[bytes]),
                1 or 2 or 3 => Write(one, index, bytes),
                4 => _files.SetSize(one, offset),
                5 => _files.Share(one, 0, other, 0, Fs.Exists(one) ? (ulong)_files.Size(one) : 1),
                6 => _files.Punch(one, offset, bytes * 100_000UL, extend: _prng.Chance(0.3)),
                _ => Seal(one, index),
            };
            _ofContent[status] = _ofContent.GetValueOrDefault(status) + 1;
            foreach (var (id, quota) in Quotas())
            {
                Assert.True(
                    quota.State != QuotaState.Active || quota.BytesMax == 0 || quota.Bytes <= quota.BytesMax
                    || quota.Bytes <= before[id].Bytes,
                    $"{id} has {quota.Bytes} of {quota.BytesMax} bytes");
                Assert.True(status == FsStatus.Ok || quota.Bytes == before[id].Bytes, $"{status} and {id} pays");
            }
        }

        private FsStatus Write(InodeId inode, ulong index, uint bytes)
        {
            var status = _files.Allocate(inode, index);
            if (status != FsStatus.Ok)
            {
                return status;
            }

            var info = Assert.Single(Fs.Reply.Chunks);
            var written = new WrittenChunk
            {
                Index = index,
                Chunk = info.Chunk,
                Version = info.Version,
                Length = bytes,
            };
            if (!info.Replacement)
            {
                return _files.Commit(inode, written);
            }

            // It holds what its place holds.
            var stored = index == 0 ? Fs.Tree.Content(inode)?.Length ?? 0 : 0;
            written.Length = Math.Max(bytes, Math.Max((uint)stored, _files.Lengths(inode, (int)index + 1)[^1]));
            return _prng.Chance(0.7) ? _files.Install(inode, written) : FsStatus.Ok;
        }

        private FsStatus Seal(InodeId inode, ulong index) =>
            !_files.Chunks.TryGetPlace(inode, index, out var place) || place.Chunk.Value == 0
                ? FsStatus.Ok
                : _files.Seal(inode, new WrittenChunk
                {
                    Index = index,
                    Chunk = place.Chunk.Value,
                    Version = _files.Row(place.Chunk).Version.Value,
                });

        private void NewSession()
        {
            Fs.EndSession(Fs.Client);
            _tree.CollectAll();
            Fs.BeginSession(Fs.Client);
        }

        private void Confirm(uint server) =>
            Assert.Equal(FsStatus.Ok, _files.Confirm(server, [.. _files.Chunks
                .Garbage(new ServerId(server), default, ChunkLayout.StepMax).Select(garbage => garbage.Chunk)]));

        private Dictionary<InodeId, QuotaRow> Quotas()
        {
            var quotas = new Dictionary<InodeId, QuotaRow>();
            foreach (var id in _tree.Inodes)
            {
                if (Fs.Tree.TryGetQuota(id, out var row))
                {
                    quotas[id] = row;
                }
            }

            return quotas;
        }
    }
}
