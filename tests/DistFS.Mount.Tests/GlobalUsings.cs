global using DistFS.Primitives;
global using Xunit;
