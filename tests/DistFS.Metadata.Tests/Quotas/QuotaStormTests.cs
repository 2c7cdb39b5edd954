using DistFS.Metadata.Quotas;
using DistFS.Metadata.Rows;

namespace DistFS.Metadata.Tests.Quotas;

/// <summary>
/// Quotas come and go, with limits and without, while everything else goes on: at every moment their use is what
/// belongs to them, and none is ever above a limit that held when it was charged.
/// </summary>
public sealed class QuotaStormTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void Use_is_exact(ulong seed)
    {
        var storm = new Storm(seed);
        for (var i = 0; i < 2000; i++)
        {
            storm.Step();
        }

        storm.End();
    }

    private sealed class Storm
    {
        private readonly Prng _prng;
        private readonly Namespace _fs = new();
        private readonly RandomTree _tree;
        private readonly SortedDictionary<FsStatus, int> _answers = [];
        private int _walksInSteps;
        private int _steps;

        public Storm(ulong seed)
        {
            _prng = new Prng(seed);
            _tree = new RandomTree(_fs, _prng);
        }

        public void Step()
        {
            var (one, other) = (_tree.Any(), _tree.Any());
            var (name, second) = (_tree.Name(), _tree.Name());
            var status = _prng.NextInt32(18) switch
            {
                0 or 1 or 2 or 3 => _tree.Make(one, name, directories: 0.5),
                4 => _fs.Link(one, other, name),
                5 => _fs.Unlink(one, name),
                6 => _fs.RemoveDirectory(one, name),
                7 or 8 or 9 => _fs.Rename(one, name, other, second, exchange: _prng.Chance(0.3)),
                10 => _fs.Rename(one, name, one, second),
                11 => _fs.SetQuota(
                    one,
                    inodesMax: _prng.Chance(0.6) ? 0 : (ulong)_prng.NextInt32(8),
                    bytesMax: _prng.Chance(0.6) ? 0 : (ulong)_prng.NextInt32(300)),
                12 => _fs.SetQuota(one, clear: true),
                13 => _fs.Exists(one) && !_fs.Row(one).IsDirectory
                    ? _fs.Allocate(one, _prng.NextInt32(100)) : FsStatus.Ok,
                14 => _prng.Chance(0.5) ? _fs.Open(one, 1) : _fs.Release(one, 1),
                15 or 16 => _tree.StepTrash(one, other, name),
                _ => Collect(),
            };
            _answers[status] = _answers.GetValueOrDefault(status) + 1;
            if (++_steps % 20 == 0)
            {
                _fs.Sound();
            }
        }

        public void End()
        {
            _tree.EmptyTrash();
            _fs.Sound();

            // All that can happen has happened.
            foreach (var status in (FsStatus[])
                [FsStatus.Ok, FsStatus.QuotaExceeded, FsStatus.CrossDevice, FsStatus.Busy, FsStatus.NoData])
            {
                Assert.True(_answers.GetValueOrDefault(status) > 0, $"never {status}");
            }

            Assert.True(_walksInSteps > 0);

            // Without the quotas nothing of them is left but for open files.
            _tree.ClearQuotas();
            _fs.EndSession(_fs.Client);
            _tree.CollectAll();

            _fs.Sound();
            foreach (var row in _fs.Rows().Rows.Where(row => row.Key[0] == (byte)RowTable.Quota))
            {
                // A file whose names were in two domains, and the one it was counted for is gone.
                Assert.Equal(QuotaState.Ended, QuotaRow.Read(row.Value).State);
            }
        }

        private FsStatus Collect()
        {
            _walksInSteps += _fs.Tree.QuotaWalk() != null && _fs.Collect(1 + _prng.NextInt32(4)).More ? 1 : 0;
            return FsStatus.Ok;
        }
    }
}
