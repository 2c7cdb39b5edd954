global using DistFS.Blocks;
global using DistFS.Blocks.Tests;
global using DistFS.Primitives;
global using Xunit;
