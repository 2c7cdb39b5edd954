using DistFS.Metadata.Fsck;
using DistFS.Metadata.Rows;

namespace DistFS.Metadata.Tests;

/// <summary>Random operations on the product and on the model: the same answers, and the same tree.</summary>
public sealed class RandomOperationsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void TheProductDoesWhatTheModelDoes(ulong seed)
    {
        var walk = new Walk(seed);
        for (var i = 0; i < 4000; i++)
        {
            walk.Step();
            if (i % 500 == 499)
            {
                walk.Compare();
            }
        }

        Assert.True(walk.Errors is > 500 and < 3500, $"{walk.Errors}");
        Assert.True(walk.Restored > 20, $"{walk.Restored}");
    }

    private sealed class Walk(ulong seed)
    {
        private static readonly InodeKind[] Kinds = Enum.GetValues<InodeKind>();
        private readonly Prng _prng = new(seed);
        private readonly Namespace _real = new();
        private readonly ModelTree _model = new();
        private readonly List<ModelTree.Node> _nodes = [];

        public int Errors { get; private set; }

        public int Restored { get; private set; }

        public void Step()
        {
            var (one, other) = (Node(), Node());
            var (name, second) = (Name(), Name());
            var (flagA, flagB) = (_prng.Chance(0.2), _prng.Chance(0.2));
            if (one.IsCollected || other.IsCollected)
            {
                Same(FsStatus.NotFound, _real.Unlink(one.IsCollected ? one.Id : other.Id, name));
                return;
            }

            switch (_prng.NextInt32(16))
            {
                case 8 or 9:
                    StepXattr(one, name);
                    break;
                case 10 or 11 or 12:
                    StepOpen(one);
                    break;
                case 14 or 15:
                    StepTrash(one, other, name);
                    break;
                case 13:
                    StepSession();
                    break;
                case 0 or 1 or 2:
                    var kind = _prng.Chance(0.5) ? InodeKind.Directory : Kinds[_prng.NextInt32(Kinds.Length)];
                    ModelTree.Node? made = null;
                    var expected = ModelTree.Make(one, name, kind, node => made = node);
                    Same(expected, _real.Make(
                        one.Id, name, kind, target: kind == InodeKind.SymbolicLink ? "there" : ""));
                    if (made != null)
                    {
                        made.Id = new InodeId(_real.Last.Inode);
                        _nodes.Add(made);
                    }

                    break;
                case 3:
                    Same(ModelTree.Link(one, other, name), _real.Link(one.Id, other.Id, name));
                    break;
                case 4:
                    Same(ModelTree.Remove(one, name, false, Now), _real.Unlink(one.Id, name));
                    break;
                case 5:
                    Same(ModelTree.Remove(one, name, true, Now), _real.RemoveDirectory(one.Id, name));
                    break;
                default:
                    Same(
                        ModelTree.Rename(one, name, other, second, flagA, flagB, Now),
                        _real.Rename(one.Id, name, other.Id, second, flagA, flagB));
                    break;
            }
        }

        private void StepXattr(ModelTree.Node node, string name)
        {
            name = $"trusted.{name}";
            var exists = node.Xattrs.ContainsKey(name);
            if (_prng.Chance(0.4))
            {
                Same(exists ? FsStatus.Ok : FsStatus.NoData, _real.RemoveXattr(node.Id, name));
                node.Xattrs.Remove(name);
                return;
            }

            var (create, value) = (_prng.Chance(0.5), new[] { (byte)_prng.NextInt32(256) });
            Same(
                exists && create ? FsStatus.AlreadyExists : FsStatus.Ok,
                _real.SetXattr(node.Id, name, value, create: create));
            if (!exists || !create)
            {
                node.Xattrs[name] = value;
            }
        }

        private void StepOpen(ModelTree.Node node)
        {
            var open = (Client: new ClientId(1 + (ulong)_prng.NextInt32(2)), Handle: (ulong)_prng.NextInt32(3));
            _real.Client = open.Client;
            if (_prng.Chance(0.4))
            {
                var isOpen = node.Opens.Remove(open);
                Same(isOpen ? FsStatus.Ok : FsStatus.BadHandle, _real.Release(node.Id, open.Handle));
                if (isOpen)
                {
                    node.Leave();
                }

                return;
            }

            var expected = node.IsGone && node.Opens.Count == 0 ? FsStatus.Stale
                : node.Kind == InodeKind.SymbolicLink ? FsStatus.SymlinkLoop
                : node.Kind == InodeKind.Socket ? FsStatus.NoSuchDevice
                : FsStatus.Ok;
            Same(expected, _real.Open(node.Id, open.Handle));
            if (expected == FsStatus.Ok)
            {
                node.Opens.Add(open);
            }
        }

        private long Now => _real.Now.Seconds;

        private void StepTrash(ModelTree.Node one, ModelTree.Node other, string name)
        {
            switch (_prng.NextInt32(8))
            {
                case 0 or 1:
                    long? seconds = _prng.Chance(0.3) ? null : _prng.NextInt32(3) * 10;
                    Same(ModelTree.SetRetention(one, seconds), seconds is { } set
                        ? _real.SetRetention(one.Id, (ulong)set) : _real.SetRetention(one.Id, clear: true));
                    break;
                case 2:
                    _real.Wait(_prng.NextInt32(8));
                    break;
                case 3:
                    one = Trashed() ?? one;
                    Same(ModelTree.Purge(one), _real.Purge(one.Id));
                    break;
                default:
                    one = Trashed() ?? one;
                    var (elsewhere, renamed) = (_prng.Chance(0.4), _prng.Chance(0.4));
                    Same(
                        ModelTree.Restore(one, elsewhere ? other : null, renamed ? name : null),
                        _real.Restore(one.Id, elsewhere ? other.Id : default, renamed ? name : ""));
                    Restored += one.IsGone ? 0 : 1;
                    break;
            }
        }

        /// <summary>Something in the trash, if there is anything.</summary>
        private ModelTree.Node? Trashed()
        {
            var trashed = _nodes.Where(node => node.Trash != null).ToList();
            return trashed.Count == 0 ? null : trashed[_prng.NextInt32(trashed.Count)];
        }

        /// <summary>A session ends and begins anew, or what is left is collected, all of it or a part.</summary>
        private void StepSession()
        {
            if (_prng.Chance(0.2))
            {
                var client = new ClientId(1 + (ulong)_prng.NextInt32(2));
                _real.EndSession(client);
                foreach (var node in _nodes.Append(_model.Root))
                {
                    node.Opens.RemoveWhere(open => open.Client == client);
                }

                while (_real.Collect(1 + _prng.NextInt32(5)).More)
                {
                }

                _real.BeginSession(client);
                foreach (var node in _nodes)
                {
                    node.Trash = node.Trash?.Until < Now ? null : node.Trash;
                    node.IsCollected |= node.IsOrphan;
                }
            }
            else if (_prng.Chance(0.2))
            {
                _real.Flush();
            }
        }

        public void Compare()
        {
            Assert.Empty(TreeCheck.Run(_real.Rows(), 7));
            CompareFrom(_model.Root);
            CompareTrash();
            foreach (var node in _nodes)
            {
                Assert.Equal(!node.IsCollected, _real.Exists(node.Id));
                if (node.IsCollected)
                {
                    continue;
                }

                Assert.Equal(node.Opens.Count, (int)_real.Row(node.Id).Opens);
                Assert.Equal(node.Xattrs.Keys, _real.Xattrs(node.Id));
                foreach (var (name, expected) in node.Xattrs)
                {
                    Assert.Equal(FsStatus.Ok, _real.GetXattr(node.Id, name, out var value));
                    Assert.Equal(expected, value);
                }

                var row = _real.Row(node.Id);
                var subdirectories = node.Children.Values.Count(child => child.Kind == InodeKind.Directory);
                Assert.Equal(node.IsGone ? 0 : node.Kind == InodeKind.Directory ? 2 + subdirectories : node.Names,
                    (int)row.Links);
            }
        }

        private void CompareTrash()
        {
            foreach (var directory in _nodes.Append(_model.Root)
                .Where(node => node is { Kind: InodeKind.Directory, IsCollected: false }))
            {
                Assert.Equal(
                    _nodes.Where(node => node.Trash?.Parent == directory).OrderBy(node => node.Id.Value)
                        .Select(node => node.Trash!.Value.Name),
                    _real.Trash(directory.Id));
            }

            Assert.Equal(_nodes.Count(node => node.Trash != null), _real.Count(RowTable.Trash));
        }

        private void CompareFrom(ModelTree.Node node)
        {
            Assert.Equal((ulong)node.Children.Count, _real.Row(node.Id).Entries);
            foreach (var (name, child) in node.Children)
            {
                Assert.Equal(child.Id, _real.Find(node.Id, name));
                CompareFrom(child);
            }
        }

        private void Same(FsStatus expected, FsStatus actual)
        {
            Assert.Equal(expected, actual);
            Errors += expected == FsStatus.Ok ? 0 : 1;
        }

        private ModelTree.Node Node()
        {
            var at = _prng.NextInt32(Math.Min(_nodes.Count + 1, 30));
            return at == _nodes.Count || _prng.Chance(0.2) ? _model.Root : _nodes[^(at + 1)];
        }

        private string Name() => $"n{_prng.NextInt32(6)}";
    }
}
