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
    }

    private sealed class Walk(ulong seed)
    {
        private static readonly InodeKind[] Kinds = Enum.GetValues<InodeKind>();
        private readonly Prng _prng = new(seed);
        private readonly Namespace _real = new();
        private readonly ModelTree _model = new();
        private readonly List<ModelTree.Node> _nodes = [];

        public int Errors { get; private set; }

        public void Step()
        {
            var (one, other) = (Node(), Node());
            var (name, second) = (Name(), Name());
            var (flagA, flagB) = (_prng.Chance(0.2), _prng.Chance(0.2));
            switch (_prng.NextInt32(8))
            {
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
                    Same(ModelTree.Remove(one, name, isDirectory: false), _real.Unlink(one.Id, name));
                    break;
                case 5:
                    Same(ModelTree.Remove(one, name, isDirectory: true), _real.RemoveDirectory(one.Id, name));
                    break;
                default:
                    Same(
                        ModelTree.Rename(one, name, other, second, flagA, flagB),
                        _real.Rename(one.Id, name, other.Id, second, flagA, flagB));
                    break;
            }
        }

        public void Compare()
        {
            Assert.Empty(TreeCheck.Run(_real.Rows(), 7));
            CompareFrom(_model.Root);
            foreach (var node in _nodes)
            {
                var row = _real.Row(node.Id);
                var subdirectories = node.Children.Values.Count(child => child.Kind == InodeKind.Directory);
                Assert.Equal(node.IsGone ? 0 : node.Kind == InodeKind.Directory ? 2 + subdirectories : node.Names,
                    (int)row.Links);
            }
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
