using System.Runtime.CompilerServices;
using DistFS.Primitives;

namespace DistFS.Metadata.Fsck;

/// <summary>What a check has found: all of it is counted, and the first are kept.</summary>
internal sealed class FindingList
{
    /// <summary>So many are kept.</summary>
    public const int CountMax = 1_000;

    private readonly List<Finding> _findings = [];

    /// <summary>All that was found.</summary>
    public long Total { get; private set; }

    /// <summary>The first of it.</summary>
    public IReadOnlyList<Finding> First => _findings;

    /// <summary>It is found unless it is so.</summary>
    public void Expect(
        bool isSo,
        FindingKind kind,
        InodeId inode,
        [InterpolatedStringHandlerArgument("", nameof(isSo))] ref Text text)
    {
        if (isSo)
        {
            return;
        }

        Total++;
        if (_findings.Count < CountMax)
        {
            _findings.Add(new Finding(kind, inode, text.Take()));
        }
    }

    /// <summary>A line that is written only when it is kept: there are as many of them as there are rows.</summary>
    [InterpolatedStringHandler]
    public ref struct Text
    {
        private DefaultInterpolatedStringHandler _text;

        /// <summary>Begins one.</summary>
        public Text(int literalLength, int formattedCount, FindingList list, bool isSo, out bool isNeeded)
        {
            isNeeded = !isSo && list._findings.Count < CountMax;
            _text = isNeeded ? new DefaultInterpolatedStringHandler(literalLength, formattedCount) : default;
        }

        /// <summary>The line.</summary>
        public string Take() => _text.ToStringAndClear();

        /// <summary>Appends.</summary>
        public void AppendLiteral(string text) => _text.AppendLiteral(text);

        /// <summary>Appends.</summary>
        public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);
    }
}
